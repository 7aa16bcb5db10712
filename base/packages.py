"""What other people's packages add to ours, by their entry points."""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any


class BadPackage(Exception):
    """What another package adds cannot be imported, or is not what it must be."""


def added(group: str) -> Iterator[tuple[str, Any]]:
    """Each object that other packages add to a group, with words that name its entry point.

    Raises:
        BadPackage: One cannot be imported.
    """
    for point in _points(group):
        where = f"entry point {point.name} = {point.value} of {point.dist.name if point.dist else 'a package'}"
        try:
            yield where, point.load()
        except Exception as exc:
            why = f"{type(exc).__name__}: {exc}"
            raise BadPackage(f"{where} cannot be imported ({why}); mend that package or uninstall it") from exc


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))  # looks into every installed package, at 15 ms a time
