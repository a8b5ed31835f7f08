"""Families of equations, as users write them, as files keep them and as programs compute them; parameters."""
