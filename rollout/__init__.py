"""What serves, what served and why. It starts no process: flows/ compose it with bentos/."""
