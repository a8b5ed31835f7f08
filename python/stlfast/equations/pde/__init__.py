"""Families of partial differential equations."""
