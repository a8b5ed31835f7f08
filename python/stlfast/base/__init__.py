"""Under everything: errors, arguments as numbers, progress, files written whole or not at all."""
