"""Which version becomes champion: decided on the list of versions, without touching it."""

from collections.abc import Sequence

from registry.errors import (
    GateFailed,
    NoChampion,
    NothingToRollBackTo,
    StaleChoice,
    VersionNotFound,
    VersionRejected,
)
from registry.records import CHALLENGER, CHAMPION, VersionInfo

_MAY_BE_CHOSEN = ("passed", "cannot tell")


def holder(versions: list[VersionInfo], alias: str) -> VersionInfo | None:
    """The version that carries an alias."""
    return next((version for version in versions if alias in version.aliases), None)


def choose(
    name: str, versions: list[VersionInfo], number: int | None, *, again: bool = False, force: bool = False
) -> VersionInfo:
    """The version to promote: `number`, or else the challenger.

    Args:
        name: Registered model, for the messages.
        versions: All of its versions.
        number: The version wanted; None: the one that carries `challenger`.
        again: A version that a rollback rejected is meant all the same.
        force: A version that failed its gate is meant all the same.

    A version whose gate could not tell is a person's to decide: naming its number is deciding.

    Raises:
        VersionNotFound: There is no such version, or no challenger.
        GateFailed: It did not pass its gate.
        VersionRejected: A rollback rejected it.
        StaleChoice: The challenger is older than the champion, so that taking it would be a step back.
    """
    chosen = _wanted(name, versions, number)
    if chosen.gate not in _MAY_BE_CHOSEN and not force:
        raise GateFailed(
            f"{name} version {chosen.number} did not pass its gate ({chosen.tags.get('gate.reasons', 'no gate ran')}); "
            f"train a better one with `agro train {name}`; where it must serve all the same, move the alias "
            f"`{CHAMPION}` in the MLflow UI"
        )
    if chosen.rejected is not None and not again:
        raise VersionRejected(
            f"{name} version {chosen.number} was rolled back ({chosen.rejected}); "
            f"`agro promote {name} {chosen.number} --again` if it is meant"
        )
    return chosen


def _wanted(name: str, versions: list[VersionInfo], number: int | None) -> VersionInfo:
    if number is not None:
        return find(name, versions, number)
    challenger, champion = holder(versions, CHALLENGER), holder(versions, CHAMPION)
    if challenger is None:
        raise VersionNotFound(_no_challenger(name, versions))
    if champion is not None and champion.age > challenger.age:
        raise StaleChoice(
            f"{name}: the challenger, version {challenger.number} (data until {challenger.as_of:%Y-%m-%d}), is older "
            f"than the champion, version {champion.number} (until {champion.as_of:%Y-%m-%d}); "
            f"`agro promote {name} {challenger.number}` if the older one is meant"
        )
    return challenger


def _no_challenger(name: str, versions: list[VersionInfo]) -> str:
    unsure = next((version.number for version in versions if version.gate == "cannot tell"), None)
    if unsure is None:
        remedy = f"train one with `agro train {name}`, or see `agro models`"
    else:
        remedy = f"for version {unsure} it cannot tell: read its card, and `agro promote {name} {unsure}` if it is good"
    return f"{name} has no challenger: no version has passed its gate; {remedy}"


def takes_challenger(created: VersionInfo, versions: list[VersionInfo]) -> bool:
    """Whether a new version that passed becomes challenger: no version of newer data holds the alias."""
    current = holder(versions, CHALLENGER)
    return current is None or created.age >= current.age


def find(name: str, versions: list[VersionInfo], number: int) -> VersionInfo:
    """The version of that number.

    Raises:
        VersionNotFound: There is none.
    """
    for version in versions:
        if version.number == number:
            return version
    known = ", ".join(str(version.number) for version in versions) or f"none; train one with `agro train {name}`"
    raise VersionNotFound(f"{name} has no version {number}; it has: {known}")


def previous(name: str, versions: list[VersionInfo], moves: Sequence[int]) -> tuple[VersionInfo, VersionInfo]:
    """The champion, and the version that was champion last before it and was never rejected.

    Args:
        name: Registered model, for the messages.
        versions: All of its versions.
        moves: Versions that became champion, oldest first.

    Raises:
        NoChampion: No version is champion.
        NothingToRollBackTo: No such version is left.
    """
    champion = holder(versions, CHAMPION)
    if champion is None:
        raise NoChampion(f"{name} has no champion to roll back; promote a version: `agro promote {name}`")
    by_number = {version.number: version for version in versions}
    for number in reversed(moves):
        before = by_number.get(number)
        if before is not None and before.number != champion.number and before.rejected is None:
            return champion, before
    raise NothingToRollBackTo(
        f"{name}: version {champion.number} has no earlier champion that was not rejected; "
        f"name the version to serve: `agro promote {name} VERSION`"
    )
