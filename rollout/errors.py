"""Errors raised by rollout/, all under one root."""


class RolloutError(Exception):
    """Root of every error raised by rollout/."""


class HistoryDamaged(RolloutError):
    """The file of the table of what served is none, or holds other rows than were written."""


class HistoryUnreachable(RolloutError):
    """The database of the table of what served did not answer; trying again may help."""


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
