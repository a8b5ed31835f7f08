"""How accurate and how fast: exact solutions, errors of models, timings."""
