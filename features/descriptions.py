"""Rows that describe something and may be corrected: the newest description of a thing is the thing."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from features.event_ids import content_ids
from features.rows import description_ids
from features.store import Inserted, Store

KEYS = {"items": ("item_id",), "daily_demand": ("series_id", "raw_ds")}


def insert_descriptions(store: Store, table: str, rows: pa.Table) -> Inserted:
    """Add the rows that differ from what the store says of the same thing now.

    A row that is there already is a duplicate, also one that said something else in between.
    An id follows from what is said and from what was said before, so the same rows sent again,
    or sent again after a crash, add nothing.
    """
    current = _current(store, table, rows.column_names)
    said, keys = description_ids(_comparable(rows), table), _keys(table, rows)
    before = pd.Series(_text(description_ids(_comparable(current), table)), index=_keys(table, current))
    last_id = pd.Series(_text(current["event_id"]), index=before.index)
    changed = before.reindex(keys).to_numpy() != said.to_numpy(zero_copy_only=False)
    followed = pa.array(last_id.reindex(keys).where(lambda ids: ids.notna(), None), pa.string())
    fresh = rows.append_column("event_id", content_ids([said, followed], table)).filter(pa.array(changed))
    done = store.insert(table, fresh)
    return Inserted(done.rows, done.duplicates + int((~changed).sum()))


def _current(store: Store, table: str, columns: Sequence[str]) -> pa.Table:
    names = ", ".join([*columns, "event_id"])
    by = "item_id" if table == "items" else "series_id, ds - toIntervalWeek(shift_weeks)"
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


def _keys(table: str, rows: pa.Table) -> pd.Index:
    if table == "items":
        return pd.Index(_text(rows["item_id"]))
    return pd.MultiIndex.from_arrays([_text(rows["series_id"]), _raw_day(rows)])


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
