"""Solving one member without anything compiled."""
