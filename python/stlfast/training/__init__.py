"""Training bodies: the only room that imports PyTorch."""
