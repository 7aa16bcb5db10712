"""An algorithm is one record: its name, its hyperparameters, how it learns, and how what it learned is loaded.

Somebody else's package adds one to a family of ours by an entry point of the group `agrologistic.algorithms`, named
`FAMILY.ALGORITHM`, whose value is the record; it is imported when the family's algorithms are first asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from base.packages import joined
from models.search import Range

GROUP = "agrologistic.algorithms"


@dataclass(frozen=True)
class Algorithm:
    """One way of learning what a family answers; the family says what `fit` and `load` are given and give."""

    name: str
    """As recipes and saved models have it."""
    config: type[BaseModel]
    """Its hyperparameters, with defaults and ranges."""
    fit: Callable[..., Any]
    """Learns from the family's data with a `config`."""
    load: Callable[..., Any]
    """Restores what `fit` gave from what that saved of itself."""
    search: Mapping[str, Range] = field(default_factory=dict)
    """What a search may vary, by hyperparameter; empty where there is nothing to search."""
    random: bool = False
    """Whether its hyperparameter `seed` changes what it learns."""
    needs: frozenset[str] = frozenset()
    """What it uses beside the rows, by the family's names for it."""


def with_added(family: str, own: tuple[Algorithm, ...]) -> dict[str, Algorithm]:
    """A family's algorithms by name, its own first, then those of other packages.

    Raises:
        BadPackage: What another package adds is no algorithm, or has a name that is taken.
    """
    return joined(GROUP, own, Algorithm, f"{family} has an algorithm", owner=family)
