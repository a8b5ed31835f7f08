"""The STL-PINN paper's comparison, reproduced: the neural baselines, written for this project."""
