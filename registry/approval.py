"""Whether a version may serve where somebody has to approve it first."""

from collections.abc import Collection

from registry.errors import NotApproved
from registry.records import VersionInfo

APPROVAL, APPROVED = "approval", "approved"
"""Tag of a version, and its value."""
EVERY = "*"


def missing(name: str, version: VersionInfo, models: Collection[str]) -> str | None:
    """Why a version may not serve; None where it may.

    Args:
        name: Registered model.
        version: The version.
        models: Models whose versions have to be approved; `*`: all.
    """
    if (name not in models and EVERY not in models) or version.tags.get(APPROVAL) == APPROVED:
        return None
    return f"version {version.number} has no tag {APPROVAL}={APPROVED}, which {name} requires"


def demand(name: str, version: VersionInfo, models: Collection[str]) -> None:
    """Raise where a version may not serve.

    Raises:
        NotApproved: Its approval is missing; the message says how it is given.
    """
    if why := missing(name, version, models):
        raise NotApproved(f"{name}: {why}; set the tag in MLflow, or `agro approve {name} {version.number}`")
