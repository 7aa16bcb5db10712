"""Rows that describe something and may be corrected: the newest description of a thing is the thing."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.event_ids import content_ids, said_ids
from features.store import Inserted, Store


def insert_descriptions(
    store: Store,
    table: str,
    rows: pa.Table,
    about: tuple[str, ...],
    filled_in: Mapping[str, pa.ChunkedArray] | None = None,
) -> Inserted:
    """Add the rows that differ from what the store says of the same thing now.

    A row that is there already is a duplicate, also one that said something else in between.
    An id follows from what is said and from what was said before, so the same rows sent again,
    or sent again after a crash, add nothing.

    Args:
        store: Where the table is.
        table: Its name.
        rows: What is said now.
        about: Columns that together name the thing; of a day `ds` that was shifted, the day before the shift.
        filled_in: By column of text, where its value is none of the row's own words, shape (n_rows,).
    """
    current = _current(store, table, rows.column_names, about)
    place = _places(about, rows, current)
    said, compared = rows, rows
    for name, where in (filled_in or {}).items():
        stands = pc.and_(where, pc.is_valid(current[name].take(place)))
        compared = _with(compared, name, pc.if_else(stands, current[name].take(place), rows[name]))
        said = _with(said, name, pc.if_else(where, None, rows[name]))
    changed = pc.fill_null(pc.not_equal(_ids(compared, table), _ids(current, table).take(place)), True)
    event_ids = content_ids([_ids(said, table), current["event_id"].take(place)], table)
    done = store.insert(table, rows.append_column("event_id", event_ids).filter(changed))
    return done + Inserted(0, rows.num_rows - pc.sum(changed, min_count=0).as_py())


def _with(rows: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)


def _ids(rows: pa.Table, table: str) -> pa.Array:
    """Ids of what is said, from all columns but the times they came with."""
    said = _comparable(rows)
    names = [name for name in said.column_names if name not in ("event_time", "ingested_at", "event_id")]
    return said_ids({name: said[name] for name in names}, table)


def _current(store: Store, table: str, columns: Sequence[str], about: tuple[str, ...]) -> pa.Table:
    names, shifted = ", ".join([*columns, "event_id"]), "shift_weeks" in columns
    by = ", ".join("ds - toIntervalWeek(shift_weeks)" if shifted and name == "ds" else name for name in about)
    sql = f"SELECT {names} FROM {table} ORDER BY ingested_at DESC LIMIT 1 BY {by}"  # noqa: S608 - names are ours
    return store.arrow(sql)


def _comparable(rows: pa.Table) -> pa.Table:
    """What is said, without how far it was shifted; maps as text."""
    if "shift_weeks" not in rows.column_names:
        return rows
    pairs = [str(sorted(dict(row).items())) if row else "" for row in rows["regressors"].to_pylist()]
    plain = rows.drop_columns(["shift_weeks", "ds", "regressors"])
    return plain.append_column("raw_ds", pa.array(_raw_day(rows))).append_column(
        "regressors", pa.array(pairs, pa.string())
    )


def _places(about: tuple[str, ...], rows: pa.Table, current: pa.Table) -> pa.Array:
    """Where in `current` the thing is that each row is about, null where it is nowhere."""
    where = pd.Series(np.arange(current.num_rows), _keys(about, current), "Int64")
    return pa.array(where.reindex(_keys(about, rows)), pa.int64(), from_pandas=True)


def _keys(about: tuple[str, ...], rows: pa.Table) -> pd.Index:
    """What each row is about, as one key."""
    shifted = "shift_weeks" in rows.column_names
    parts = [_raw_day(rows) if shifted and name == "ds" else rows[name].to_pandas() for name in about]
    return pd.MultiIndex.from_arrays(parts) if len(parts) > 1 else pd.Index(parts[0])


def _raw_day(rows: pa.Table) -> np.ndarray:
    """Days since 1970 before the shift."""
    days = rows["ds"].cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
    return days - 7 * rows["shift_weeks"].to_numpy().astype(np.int64)
