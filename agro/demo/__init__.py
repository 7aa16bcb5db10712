"""The demo: the whole loop, once, on real data."""
