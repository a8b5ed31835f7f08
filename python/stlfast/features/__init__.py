"""Functions that solutions are expanded in: frozen bodies and dictionaries."""
