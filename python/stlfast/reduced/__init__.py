"""Reduced bases: what compiling makes, for bands of members."""
