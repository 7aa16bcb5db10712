"""The tables of kinds that other packages bring: our own come with the migrations."""

from typing import TYPE_CHECKING

from features.kinds import Kind, kinds
from features.sql import query, statements

if TYPE_CHECKING:
    from features.store import Store


def make(store: "Store") -> list[str]:
    """Run what each of these kinds says of its table, which is to be idempotent.

    Returns:
        A sentence for each table that was not there before.
    """
    new = missing(store)
    for kind in _brought():
        for statement in statements(kind.create):
            store.define(statement)
    return [f"made {each}" for each in new]


def missing(store: "Store") -> list[str]:
    """Tables of these kinds that are not there, with the kind that each is of."""
    brought = _brought()
    there = set(store.arrow(query("table_definitions"))["name"].to_pylist()) if brought else set()
    return [f"{kind.table} of the kind {kind.name}" for kind in brought if kind.table not in there]


def _brought() -> list[Kind]:
    return [kind for kind in kinds().values() if kind.create]
