"""The command `stlfast`."""
