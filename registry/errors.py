"""Errors raised by registry/, all under one root."""


class RegistryError(Exception):
    """Root of every error raised by registry/."""


class RegistryUnreachable(RegistryError):
    """MLflow did not answer; trying again may help."""


class VersionNotFound(RegistryError):
    """No version carries that number or alias."""


class NoChampion(RegistryError):
    """No version of the model carries the alias `champion`."""


class GateFailed(RegistryError):
    """The version did not pass its gate, so it is not promoted."""


class VersionRejected(RegistryError):
    """The version was rolled back before; promoting it needs a word that this is meant."""


class NotApproved(RegistryError):
    """The model requires an approval that the version does not have."""


class StaleChoice(RegistryError):
    """The champion is no longer the one that the choice was made against."""


class NothingToRollBackTo(RegistryError):
    """No earlier champion is left that was not rejected."""


class NotComparable(RegistryError):
    """Two evaluations were not made on the same units, or not by the same metric."""


class DigestMismatch(RegistryError):
    """The files are not those that were registered."""


class UnsafeArtifact(DigestMismatch):
    """A file is of a kind that can run code when it is read, such as a pickle."""
