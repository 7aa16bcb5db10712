"""The stored rows that a contract names: each rule of a row, and those about rows together, asked of ClickHouse."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from features.errors import BadInput, UnknownKind
from features.images import ImageStore
from features.row_rules import in_sql
from features.rules import A_FILE, EACH_DAY_ONCE, ONE_LABEL, Limits, row_rules
from features.settings import StorageSettings
from features.sql import query
from features.store import Store

SYNONYMS = {"purchases": "interactions", "events": "interactions"}
"""Kinds of input under the name of the training set that they make."""


@dataclass(frozen=True)
class Place:
    """Where the rows of a kind are: their table, its words for columns, and which of its rows are ever looked at."""

    table: str
    columns: dict[str, str] = field(default_factory=dict)
    where: str = "true"
    views: bool = False


PLACES = {
    "interactions": Place("product_events", {"timestamp": "event_time", "item_id": "product_id"}, views=True),
    "demand": Place("daily_demand", where="y IS NOT NULL"),
    "leaves": Place("leaf_images"),
}


@dataclass(frozen=True)
class Broken:
    """A rule that stored rows break, and which."""

    rule: str
    column: str
    event_ids: tuple[str, ...] = field(repr=False)

    def said(self) -> dict[str, Any]:
        """The rule and how many rows break it."""
        return {"rule": self.rule, "column": self.column, "rows": len(self.event_ids)}


def find(
    store: Store, kind: str, storage: StorageSettings, limits: Limits | None = None, now: datetime | None = None
) -> list[Broken]:
    """The stored rows that the contract of `kind` names, rule by rule.

    Raises:
        UnknownKind: No contract has that name.
    """
    kind = known(kind)
    found = [*_by_row(store, kind, limits or Limits(), now or datetime.now(UTC)), *_TOGETHER[kind](store, storage)]
    return [broken for broken in found if broken.event_ids]


def known(kind: str) -> str:
    """The training set that a kind of rows makes.

    Raises:
        UnknownKind: There is no contract for it.
    """
    kind = SYNONYMS.get(kind, kind)
    if kind not in PLACES:
        raise UnknownKind(f"there is no contract for {kind!r}; kinds with one: {', '.join(PLACES)}")
    return kind


def _by_row(store: Store, kind: str, limits: Limits, now: datetime) -> Iterator[Broken]:
    place = PLACES[kind]
    for rule in row_rules(kind, limits, now):
        condition, given = in_sql(rule, place.columns.get(rule.column, rule.column))
        sql = f"SELECT event_id FROM {place.table} WHERE {place.where} AND {condition}"  # noqa: S608 - names are ours
        yield Broken(rule.says, rule.column, _ids(store.arrow(sql, given)))


def _days(store: Store, storage: StorageSettings) -> list[Broken]:
    return [Broken(EACH_DAY_ONCE, "ds", _ids(store.arrow(query("days_told_twice"))))]


def _photographs(store: Store, storage: StorageSettings) -> list[Broken]:
    images = ImageStore(storage.images)
    rows = store.arrow("SELECT event_id, image_id FROM leaf_images").to_pylist()
    gone = [row["event_id"] for row in rows if not _is_there(images, row["image_id"])]
    two = Broken(ONE_LABEL, "image_id", _ids(store.arrow(query("two_labels"))))
    return [two, Broken(A_FILE, "path", tuple(gone))]


_TOGETHER: dict[str, Callable[[Store, StorageSettings], list[Broken]]] = {
    "interactions": lambda store, storage: [],
    "demand": _days,
    "leaves": _photographs,
}


def _is_there(images: ImageStore, image_id: str) -> bool:
    try:
        return images.path(image_id).is_file()
    except BadInput:
        return False


def _ids(found: pa.Table) -> tuple[str, ...]:
    return tuple(found["event_id"].to_pylist())
