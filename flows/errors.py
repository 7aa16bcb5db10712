"""Errors raised by flows/, all under one root."""


class FlowsError(Exception):
    """Root of every error raised by flows/."""


class PrefectUnreachable(FlowsError):
    """The Prefect server did not answer; `agro up` starts one."""


class FlowUnknown(FlowsError):
    """No flow carries that name."""
