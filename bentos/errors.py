"""Errors raised by bentos/, all under one root."""


class ServingError(Exception):
    """Root of every error raised by bentos/."""


class BentoRefused(ServingError):
    """The files to serve are missing, damaged, or not the version that was asked for."""


class BuildFailed(ServingError):
    """BentoML could not build a Bento; the message holds its last words."""


class BentoNotFound(ServingError):
    """No built Bento lies where one was expected."""


class BentoUnready(ServingError):
    """A started Bento ended, or did not become ready in time."""


class PortTaken(ServingError):
    """Something else listens on the port that a service needs."""
