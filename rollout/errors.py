"""Errors raised by rollout/."""


class RolloutError(Exception):
    """Root of every error raised by rollout/."""


class WeightsRefused(RolloutError):
    """A split of the traffic is not sound."""


class UnknownService(RolloutError):
    """The target has no route to a service of that name."""


class TargetDamaged(RolloutError):
    """What is set now cannot be read."""


class TargetRefused(RolloutError):
    """Whoever splits the traffic did not accept the weights."""


class TargetForbidden(RolloutError):
    """We are not known to whoever splits the traffic, or may not change it."""


class TargetConflict(RolloutError):
    """Others change the same at the same time."""


class TargetUnreachable(RolloutError):
    """Whoever splits the traffic does not answer; trying again may help."""
