"""What the drift check compares: a week, and what came before it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.errors import EmptyTrainingSet
from features.kinds import judged
from features.settings import StorageSettings
from features.snapshot import Window, stamp
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
        kind: A kind with a contract.
        week_start: First moment of the week; its seven days end before the same moment a week later.
        as_of: Events from this time on are left out of either frame.
        known_at: Rows that arrived after this time are left out; None is now.
        reference_weeks: How many weeks before the week make the reference, at most.
        storage: Where the images are; None takes the settings.
        cache: Where the images' statistics are remembered; None takes the usual file.

    Returns:
        Reference and week, with the same columns: `event_time` (UTC) first; names of things as categories, all else
        numbers; which, the kind's `Dataset.weeks` says.

    Raises:
        UnknownKind: There is no such kind.
        EmptyTrainingSet: One of the two has no rows; the message says which.
        ValueError: A time has no zone.
    """
    dataset = judged(kind).open()
    week = Window.of(week_start, known_at).as_of
    until = min(Window.of(as_of).as_of, week + WEEK)
    span = Span(week - reference_weeks * WEEK, Window.of(until, known_at), storage or StorageSettings(), cache)
    rows = dataset.weeks(store, span)
    reference, current = rows[rows["event_time"] < week], rows[rows["event_time"] >= week]
    for name, part in (("reference before", reference), ("week from", current)):
        if part.empty:
            raise EmptyTrainingSet(
                f"the {name} {week:%Y-%m-%d %H:%M} UTC holds no {kind}; ingest them or move the week"
            )
    return reference.reset_index(drop=True), current.reset_index(drop=True)


def with_categories(table: pa.Table) -> pd.DataFrame:
    """Rows as a frame, text as categories: a year of events has a few dozen different ones."""
    columns = {name: _categorical(column) for name, column in zip(table.column_names, table.columns, strict=True)}
    return pa.table(columns).unify_dictionaries().to_pandas()


def _categorical(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    return column.dictionary_encode() if pa.types.is_string(column.type) else column
