"""What the drift check compares: a week, and what came before it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.demand import flat
from features.errors import EmptyTrainingSet, UnknownKind
from features.images import ImageStore
from features.leaf_statistics import statistics_of
from features.settings import StorageSettings
from features.snapshot import Window, stamp
from features.sql import query
from features.store import Store

WEEK = timedelta(days=7)
REFERENCE_WEEKS = 52


@dataclass(frozen=True)
class Span:
    """From when to when rows are read, and where images lie."""

    since: datetime
    window: Window
    storage: StorageSettings
    cache: Path | None = None

    def params(self) -> dict[str, str]:
        """The parameters of a weekly query."""
        return {**self.window.params(), "since": stamp(self.since)}


def reference_and_week(
    store: Store,
    kind: str,
    week_start: datetime,
    as_of: datetime,
    *,
    known_at: datetime | None = None,
    reference_weeks: int = REFERENCE_WEEKS,
    storage: StorageSettings | None = None,
    cache: Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of a week and those of the weeks before it.

    Args:
        store: Where the rows are.
        kind: `interactions`, `demand` or `leaves`.
        week_start: First moment of the week; its seven days end before the same moment a week later.
        as_of: Events from this time on are left out of either frame.
        known_at: Rows that arrived after this time are left out; None is now.
        reference_weeks: How many weeks before the week make the reference, at most.
        storage: Where the images are; None takes the settings.
        cache: Where the images' statistics are remembered; None takes the usual file.

    Returns:
        Reference and week, with the same columns: `event_time` (UTC) first; names of things as categories, all else
        numbers. interactions: event_type, quantity, price, hour_of_day, day_of_week (Monday 0), department, all in UTC.
        demand: y, department, the regressors. leaves: label and `features.leaf_statistics.STATISTICS`.

    Raises:
        UnknownKind: There is no such kind.
        EmptyTrainingSet: One of the two has no rows; the message says which.
        ValueError: A time has no zone.
    """
    if kind not in _READERS:
        raise UnknownKind(f"there are no weeks of {kind!r}; kinds with weeks: {', '.join(_READERS)}")
    week = Window.of(week_start, known_at).as_of
    until = min(Window.of(as_of).as_of, week + WEEK)
    span = Span(week - reference_weeks * WEEK, Window.of(until, known_at), storage or StorageSettings(), cache)
    rows = _READERS[kind](store, span)
    reference, current = rows[rows["event_time"] < week], rows[rows["event_time"] >= week]
    for name, part in (("reference before", reference), ("week from", current)):
        if part.empty:
            raise EmptyTrainingSet(
                f"the {name} {week:%Y-%m-%d %H:%M} UTC holds no {kind}; ingest them or move the week"
            )
    return reference.reset_index(drop=True), current.reset_index(drop=True)


def _interactions(store: Store, span: Span) -> pd.DataFrame:
    return _frame(store.arrow(query("interactions_by_week"), span.params()))


def _demand(store: Store, span: Span) -> pd.DataFrame:
    rows = _frame(flat(store.arrow(query("demand"), span.window.params())))
    rows.insert(0, "event_time", rows["ds"].astype("datetime64[ms]").dt.tz_localize(UTC))
    return rows[rows["event_time"] >= span.since].drop(columns=["series_id", "ds"])


def _leaves(store: Store, span: Span) -> pd.DataFrame:
    rows = _frame(store.arrow(query("leaves_by_week"), span.params()))
    looks = statistics_of(rows["image_id"], ImageStore(span.storage.images), span.cache)
    return pd.concat([rows[["event_time", "label"]], looks.reset_index(drop=True)], axis=1)


_READERS: dict[str, Callable[[Store, Span], pd.DataFrame]] = {
    "interactions": _interactions,
    "demand": _demand,
    "leaves": _leaves,
}


def _frame(table: pa.Table) -> pd.DataFrame:
    """Text as categories: a year of events has a few dozen different ones."""
    columns = {name: _categorical(column) for name, column in zip(table.column_names, table.columns, strict=True)}
    return pa.table(columns).unify_dictionaries().to_pandas()


def _categorical(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    return column.dictionary_encode() if pa.types.is_string(column.type) else column
