"""What other people's packages add to ours, by their entry points."""

from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Any, Protocol, TypeVar


class Named(Protocol):
    """What goes by a name."""

    @property
    def name(self) -> str:
        """The name."""


T = TypeVar("T", bound=Named)


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


def joined(group: str, own: Iterable[T], wanted: type[T], taken: str, owner: str = "") -> dict[str, T]:
    """Ours by name, then what other packages add to a group.

    Args:
        group: As `added`.
        own: Ours, which stand first.
        wanted: What each must be.
        taken: Words before a name that is taken, such as `there is a model`.
        owner: As `added`.

    Raises:
        BadPackage: One cannot be imported, is something else, or has a name that is taken.
    """
    known = {one.name: one for one in own}
    for where, found in added(group, owner):
        if not isinstance(found, wanted):
            article = "an" if wanted.__name__[0] in "AEIOU" else "a"
            raise BadPackage(f"{where} is a {type(found).__name__}; give {article} {wanted.__name__}")
        if found.name in known:
            raise BadPackage(f"{where}: {taken} {found.name} already; give it another name")
        known[found.name] = found
    return known
