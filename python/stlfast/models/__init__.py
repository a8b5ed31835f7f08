"""Compiled families, as they are solved with."""
