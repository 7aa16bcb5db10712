"""Errors raised by rollout/."""


class RolloutError(Exception):
    """Root of every error raised by rollout/."""
