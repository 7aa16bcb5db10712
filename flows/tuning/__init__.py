"""The search for hyperparameters: what is tried, what is kept of it, and its pictures."""
