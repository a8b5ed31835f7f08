"""Families of equations, as a user writes them and as they are computed."""
