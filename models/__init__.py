"""Learning code alone: fit, predict, save, load, evaluate. No database, no network, no tracking server."""
