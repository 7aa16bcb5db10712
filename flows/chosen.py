"""Which version of a model a flow is about."""

from collections.abc import Sequence
from datetime import datetime

from registry.errors import NoChampion
from registry.registry import Registry, Served


def chosen(registry: Registry, model: str, version: int | None, moment: datetime | None = None) -> int:
    """The version asked for, by default the champion: today's, or that of a past moment.

    Raises:
        VersionNotFound: There is no such version.
        NoChampion: No version was asked for, and none is or was champion.
    """
    if version is not None:
        return registry.version(model, version).number
    if moment is None:
        champion = registry.champion(model)
        number = champion.number if champion else None
    else:
        number = champion_at(registry.history(model), moment)
    if number is None:
        when = f"had no champion by {moment:%Y-%m-%d %H:%M} UTC" if moment else "has no champion"
        raise NoChampion(f"{model} {when}; promote a version with `agro promote {model}`, or name the one you mean")
    return number


def champion_at(history: Sequence[Served], moment: datetime) -> int | None:
    """The version that was champion at a moment; None before the first one.

    Args:
        history: What became champion when, oldest first.
        moment: A time with a zone.
    """
    held = [entry.version for entry in history if datetime.fromisoformat(entry.at) <= moment]
    return held[-1] if held else None
