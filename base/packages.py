"""What other people's packages add to ours, by their entry points."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any


class BadPackage(Exception):
    """What another package adds cannot be imported, or is not what it must be."""


def added(group: str, owner: str = "") -> Iterator[tuple[str, Any]]:
    """Each object that other packages add to a group, with words that name its entry point.

    Args:
        group: The group of entry points.
        owner: Only those named `OWNER.SOMETHING` are imported; by default all.

    Raises:
        BadPackage: One cannot be imported.
    """
    for point in entry_points(group=group):
        if owner and point.name.partition(".")[0] != owner:
            continue
        where = f"entry point {point.name} = {point.value} of {point.dist.name if point.dist else 'a package'}"
        try:
            yield where, point.load()
        except Exception as exc:
            why = f"{type(exc).__name__}: {exc}"
            raise BadPackage(f"{where} cannot be imported ({why}); mend that package or uninstall it") from exc
