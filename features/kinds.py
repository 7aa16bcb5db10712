"""The kinds of data, one record each; whatever else has to know of a kind is derived from its record.

A model of somebody else's may bring a kind of its own: the `kind` of its record is then the import path of a `Kind`,
`module:NAME`. Nothing here imports the code of a kind before it is opened, so that the command line can name them all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from base.packages import BadPackage, added
from features.errors import UnknownKind

if TYPE_CHECKING:
    from features.dataset import Dataset

GROUP = "agrologistic.families"
"""Entry points of other people's models, whose records say what they learn from."""


@dataclass(frozen=True)
class Kind:
    """All that the platform has to be told of a kind of data."""

    name: str
    """As training sets, contracts and drift have it."""
    dataset: str
    """Its `features.dataset.Dataset`, `module:Class`, imported when it is needed."""
    table: str
    inputs: Mapping[str, tuple[str, ...]]
    """What `agro ingest` and the folders of the inbox call it; each with the names that its file may have in a folder,
    the usual one first."""
    beside: str = ""
    """Another kind whose file lies beside this one's, and whose snapshot beside its training set."""
    create: str = ""
    """Statements that make its table, each idempotent and ended by a semicolon, where no migration of ours does."""

    @property
    def input(self) -> str:
        """What its files are called first."""
        return next(iter(self.inputs))

    def open(self) -> "Dataset":
        """What is done with its rows."""
        made: Dataset = _imported(self.dataset)(self)
        return made


OWN = (
    Kind(
        name="interactions",
        dataset="features.interactions:Interactions",
        table="product_events",
        inputs={"purchases": ("interactions", "purchases", "events"), "events": ("interactions", "events")},
        beside="catalogue",
    ),
    Kind(name="catalogue", dataset="features.catalogue:Catalogue", table="items", inputs={"items": ("items",)}),
    Kind(name="demand", dataset="features.demand:Demand", table="daily_demand", inputs={"demand": ("demand",)}),
    Kind(name="leaves", dataset="features.leaves:Leaves", table="leaf_images", inputs={"leaves": ()}),
)


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by name, our own first.

    Raises:
        base.packages.BadPackage: One of another package has a name that is taken.
    """
    found = {kind.name: kind for kind in OWN}
    for where, path in _brought():
        kind: Kind = _imported(path)
        taken = {kind.name, *kind.inputs} & {*found, *(name for one in found.values() for name in one.inputs)}
        if taken and kind is not found.get(kind.name):
            raise BadPackage(f"{where}: there is a kind of data {sorted(taken)[0]!r} already; give it another name")
        found[kind.name] = kind
    return found


def find(name: str) -> Kind:
    """The kind of that name, or that the import path in a model's record stands for.

    Raises:
        UnknownKind: There is none.
    """
    if ":" in name:
        found: Kind = _imported(name)
        return found
    own = {kind.name: kind for kind in OWN}
    if name in own:  # whatever is wrong with another package
        return own[name]
    if name not in kinds():
        raise UnknownKind(f"{name!r} is not a kind of data; there are {', '.join(kinds())}")
    return kinds()[name]


def inputs() -> dict[str, Kind]:
    """Every kind by what its files are called."""
    return {name: kind for kind in kinds().values() for name in kind.inputs}


def ingested(name: str) -> Kind:
    """The kind whose files are called so.

    Raises:
        UnknownKind: No files are.
    """
    if name not in inputs():
        raise UnknownKind(f"{name!r} is not a kind of input; there are {', '.join(inputs())}")
    return inputs()[name]


def learned() -> list[str]:
    """Names of the kinds that a model learns from by themselves: those have a contract, and weeks to compare."""
    aside = {kind.beside for kind in kinds().values()}
    return [name for name in kinds() if name not in aside]


def judged(name: str) -> Kind:
    """The kind with a contract that has this name, or whose files are called so.

    Raises:
        UnknownKind: None has.
    """
    kind = inputs().get(name) or kinds().get(name)
    if kind is None or kind.name not in learned():
        raise UnknownKind(f"there is no contract for {name!r}; kinds with one: {', '.join(learned())}")
    return kind


def _brought() -> Iterator[tuple[str, str]]:
    """Import paths of the kinds that other people's models bring, with words that name who does."""
    return ((where, record.kind) for where, record in added(GROUP) if ":" in record.kind)


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
