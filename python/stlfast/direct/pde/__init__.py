"""On all functions of a dictionary, all of space and time at once."""
