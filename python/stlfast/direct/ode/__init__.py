"""On all functions of a dictionary, the whole time span at once."""
