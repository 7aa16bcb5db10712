"""Errors raised by flows/, all under one root."""

from typing import Any


class FlowsError(Exception):
    """Root of every error raised by flows/."""


class PrefectUnreachable(FlowsError):
    """The Prefect server did not answer; `agro up` starts one."""


class FlowUnknown(FlowsError):
    """No flow carries that name."""


class SlotTaken(FlowsError):
    """Another run of the same thing went on for longer than a run waits."""


class ChecksFailed(FlowsError):
    """Some models could not be checked; the others were, and `outcome` has what was found."""

    def __init__(self, told: str, outcome: dict[str, Any] | None = None) -> None:
        super().__init__(told)
        self.outcome = outcome or {}
