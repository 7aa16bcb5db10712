"""Errors raised by monitoring/, all under one root."""


class MonitoringError(Exception):
    """Root of every error raised by monitoring/."""


class EmptyReference(MonitoringError):
    """The reference holds no rows, so there is nothing to compare a week with."""


class UnknownColumn(MonitoringError):
    """A column was asked for that the data do not have."""


class BadShift(MonitoringError):
    """A shift is not written COLUMN:SIGMA; `field` and `remedy` say what to change."""

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(f"{field}: {remedy}")
        self.field = field
        self.remedy = remedy


class MailError(MonitoringError):
    """Root of what can go wrong between a mail and its reader."""


class MailServerUnreachable(MailError):
    """The mail server did not answer or would not talk to us; the mail is kept and the next run sends it."""


class MailRefused(MailError):
    """The mail server refused this mail for good; it was set aside."""


class PortTaken(MonitoringError):
    """Another program listens on the port that was asked for."""
