"""Families of ordinary differential equations."""
