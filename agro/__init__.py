"""The command line, the local platform and the demo."""
