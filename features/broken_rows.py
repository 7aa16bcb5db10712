"""The stored rows that a contract names: each rule of a row, and those about rows together, asked of ClickHouse."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from features.kinds import Kind, judged
from features.row_rules import in_sql
from features.rules import Limits
from features.settings import StorageSettings
from features.store import Store

if TYPE_CHECKING:
    from features.dataset import Dataset


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
    record = judged(kind)
    dataset = record.open()
    by_row = _by_row(store, record, dataset, limits or Limits(), now or datetime.now(UTC))
    return [broken for broken in (*by_row, *dataset.broken_together(store, storage)) if broken.event_ids]


def _by_row(store: Store, kind: Kind, dataset: "Dataset", limits: Limits, now: datetime) -> Iterator[Broken]:
    for rule in dataset.row_rules(limits, now):
        condition, given = in_sql(rule, dataset.in_store.get(rule.column, rule.column))
        sql = f"SELECT event_id FROM {kind.table} WHERE {dataset.judged_where} AND {condition}"  # noqa: S608 - names are ours
        yield Broken(rule.says, rule.column, ids(store.arrow(sql, given)))


def ids(rows: pa.Table) -> tuple[str, ...]:
    """Ids of the events that a query found."""
    return tuple(rows["event_id"].to_pylist())
