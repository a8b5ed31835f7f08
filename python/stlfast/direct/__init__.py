"""Solving one member with nothing compiled: time windows, Newton and chords, reference methods."""
