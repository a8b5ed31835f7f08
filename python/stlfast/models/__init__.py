"""Compiled families, as they are solved with: solve, at, solve_many, save."""
