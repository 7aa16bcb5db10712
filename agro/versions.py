"""The registry's versions as the command line shows and moves them."""

from datetime import datetime
from typing import Any

from agro import console
from models.families import family, models


def versions(model: str | None) -> list[dict[str, Any]]:
    """Every version of one model or of all, newest first."""
    from flows.ports import connect_registry

    names = [model] if model else list(models())
    for name in names:
        family(name)
    registry = connect_registry()
    return [row for name in names for row in _versions(registry, name)]


def _versions(registry: Any, name: str) -> list[dict[str, Any]]:
    serving = _serving(name)
    return [
        {"model": name, **version.to_json(), "serves": version.number == serving} for version in registry.versions(name)
    ]


def _serving(name: str) -> int | None:
    """The version that was served last; None where none was, or nobody can read which."""
    from flows.ports import connect_history
    from rollout.errors import RolloutError

    try:
        found = connect_history().current(name)
    except RolloutError:
        return None
    return found.version if found else None


def show(rows: list[dict[str, Any]]) -> None:
    """A table of versions: algorithm, data, gate, alias, what really serves, and the main figures."""
    console.table(
        "models", ["model", "version", "algorithm", "data until", "gate", "aliases", "serves", "metrics"],
        [[row["model"], row["number"], row["algorithm"], row["as_of"][:16].replace("T", " "), row["gate"],
          " ".join(row["aliases"]), "serves" if row["serves"] else "",
          "  ".join(f"{name} {value:.4f}" for name, value in list(row["metrics"].items())[:3])]
         for row in rows],
    )  # fmt: skip


def promote(model: str, version: int | None, again: bool) -> int:
    """Move `champion` to a version and give its number."""
    from flows.ports import connect_champions

    family(model)
    return connect_champions().promote(model, version, again=again).number


def approve(model: str, version: int) -> None:
    """Say that a version may serve."""
    from flows.ports import connect_registry
    from registry.approval import APPROVAL, APPROVED

    family(model)
    registry = connect_registry()
    registry.tag(model, registry.version(model, version).number, APPROVAL, APPROVED)


def rollback(model: str) -> int:
    """Move `champion` back and give its number."""
    from flows.ports import connect_champions

    family(model)
    return connect_champions().rollback(model).number


def history(model: str, moment: datetime | None = None) -> list[dict[str, Any]]:
    """All that happened to a model, newest first; or what served as each of its arms at a moment."""
    from flows.ports import connect_history

    family(model)
    known = connect_history()
    found = known.at(model, moment) if moment else reversed(known.rows(model))
    return [row.to_json() for row in found]
