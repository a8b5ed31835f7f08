"""Functions of hidden layers and dictionaries that solutions are expanded in."""
