"""Rows that describe something and may be corrected: the newest description of a thing is the thing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from features.event_ids import content_ids
from features.rows import description_ids
from features.store import Inserted, Store


def insert_descriptions(store: Store, table: str, rows: pa.Table, about: tuple[str, ...]) -> Inserted:
    """Add the rows that differ from what the store says of the same thing now.

    A row that is there already is a duplicate, also one that said something else in between.
    An id follows from what is said and from what was said before, so the same rows sent again,
    or sent again after a crash, add nothing.

    Args:
        store: Where the table is.
        table: Its name.
        rows: What is said now.
        about: Columns that together name the thing; of a day `ds` that was shifted, the day before the shift.
    """
    current = _current(store, table, rows.column_names, about)
    said, keys = description_ids(_comparable(rows), table), _keys(about, rows)
    before = pd.Series(_text(description_ids(_comparable(current), table)), index=_keys(about, current))
    last_id = pd.Series(_text(current["event_id"]), index=before.index)
    changed = before.reindex(keys).to_numpy() != said.to_numpy(zero_copy_only=False)
    followed = pa.array(last_id.reindex(keys).where(lambda ids: ids.notna(), None), pa.string())
    fresh = rows.append_column("event_id", content_ids([said, followed], table)).filter(pa.array(changed))
    done = store.insert(table, fresh)
    return Inserted(done.rows, done.duplicates + int((~changed).sum()))


def _current(store: Store, table: str, columns: Sequence[str], about: tuple[str, ...]) -> pa.Table:
    names, shifted = ", ".join([*columns, "event_id"]), "shift_weeks" in columns
    by = ", ".join("ds - toIntervalWeek(shift_weeks)" if shifted and name == "ds" else name for name in about)
    sql = f"SELECT {names} FROM {table} ORDER BY ingested_at DESC LIMIT 1 BY {by}"  # noqa: S608 - names are ours
    return store.arrow(sql)


def _comparable(rows: pa.Table) -> pa.Table:
    """What is said, without how far it was shifted; maps as text."""
    if "shift_weeks" not in rows.column_names:
        return rows
    pairs = [str(sorted(dict(row).items())) for row in rows["regressors"].to_pylist()]
    plain = rows.drop_columns(["shift_weeks", "ds", "regressors"])
    return plain.append_column("raw_ds", pa.array(_raw_day(rows))).append_column(
        "regressors", pa.array(pairs, pa.string())
    )


def _keys(about: tuple[str, ...], rows: pa.Table) -> pd.Index:
    """What each row is about, as one key."""
    shifted = "shift_weeks" in rows.column_names
    parts = [_raw_day(rows) if shifted and name == "ds" else _text(rows[name]) for name in about]
    return pd.MultiIndex.from_arrays(parts) if len(parts) > 1 else pd.Index(parts[0])


def _raw_day(rows: pa.Table) -> np.ndarray:
    """Days since 1970 before the shift."""
    days = rows["ds"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
    return days - 7 * rows["shift_weeks"].to_numpy().astype(np.int64)


def _text(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    return (
        column.to_pandas().to_numpy(object)
        if isinstance(column, pa.ChunkedArray)
        else column.to_numpy(zero_copy_only=False)
    )
