"""Interactions and catalogue as a caller gives them, read without guessing types."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from models.errors import BadData

log = logging.getLogger(__name__)

REQUIRED = ("user_id", "item_id", "timestamp")
NUMBERS = ("rating", "quantity", "price")
NAMES = ("interactions", "purchases", "events")
MILLISECONDS_FROM = 10**11
"""A whole number this large is read as milliseconds; as seconds it would lie in the year 5138."""


@dataclass(frozen=True)
class RecommenderData:
    """Interactions (user_id, item_id, timestamp[, event_type][, rating][, quantity][, price]) and a catalogue, if any.

    The catalogue has one row an item_id; every other column describes the item.
    """

    interactions: pd.DataFrame
    items: pd.DataFrame | None = None
    name: str = ""


def read(path: Path, now: datetime | None = None) -> RecommenderData:
    """Interactions from a CSV or Parquet file or a folder that holds one, with the `items.csv` beside it, if any.

    Rows whose timestamp lies after `now` (default: the clock) are left out, with a warning that counts them.

    Raises:
        BadData: The file is missing or unreadable, lacks a column, or holds a cell that cannot be what it should be.
    """
    path = _file(Path(path))
    frame = _table(path).to_pandas()
    _require(frame, REQUIRED, path)
    frame["timestamp"] = pd.to_datetime(milliseconds(frame["timestamp"]), unit="ms", utc=True)
    for column in set(NUMBERS) & set(frame.columns):
        frame[column] = _number(frame[column], column)
    return RecommenderData(_until(frame, now or datetime.now(UTC)), _catalogue(path), str(path))


def milliseconds(column: pd.Series) -> np.ndarray:
    """Milliseconds since 1970 UTC from datetimes, numbers (seconds; milliseconds where large) or ISO 8601 text.

    Raises:
        BadData: A cell is none of these.

    >>> milliseconds(pd.Series(["2024-01-01", "2024-01-01T00:00:01Z"]))
    array([1704067200000, 1704067201000])
    """
    if not isinstance(column.dtype, pd.DatetimeTZDtype) and column.dtype.kind != "M":
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.notna().sum() < column.notna().sum():
            return _iso(column)
        values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
        if not np.isfinite(values).all():
            raise BadData("column timestamp: a cell is empty; give seconds since 1970 or ISO 8601 text in every row")
        return np.where(np.abs(values) < MILLISECONDS_FROM, values * 1000, values).astype(np.int64)
    return _epoch_ms(column)


def _iso(column: pd.Series) -> np.ndarray:
    parsed = pd.to_datetime(column.astype(str), utc=True, format="ISO8601", errors="coerce")
    wrong = parsed.isna().to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadData(
            f"column timestamp: {column.iloc[row]!r} in row {row + 1} is neither seconds since 1970 nor ISO 8601 text"
        )
    return _epoch_ms(parsed)


def _epoch_ms(column: pd.Series) -> np.ndarray:
    if column.isna().any():
        raise BadData("column timestamp: a cell is empty; every row needs a time")
    naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
    return naive.to_numpy(dtype="datetime64[ms]").astype(np.int64)


def _until(frame: pd.DataFrame, now: datetime) -> pd.DataFrame:
    future = frame["timestamp"] > pd.Timestamp(now)
    if future.all() and len(frame):
        raise BadData("column timestamp: every row lies in the future; give seconds since 1970 (UTC) or ISO 8601 text")
    if future.any():
        log.warning("%d rows lie in the future and are left out", int(future.sum()))
    return frame[~future].reset_index(drop=True)


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    found = [path / (name + end) for name in NAMES for end in (".parquet", ".csv") if (path / (name + end)).is_file()]
    if not found:
        raise BadData(f"{path}: no such file, and no folder with interactions.csv or interactions.parquet in it")
    return found[0]


def _table(path: Path) -> pa.Table:
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            return pq.read_table(path)
        with pcsv.open_csv(path) as head:
            columns = head.schema.names
        as_text = pcsv.ConvertOptions(column_types={c: pa.string() for c in columns}, strings_can_be_null=True)
        return pcsv.read_csv(path, convert_options=as_text)
    except (pa.ArrowInvalid, OSError) as exc:
        raise BadData(f"{path}: not readable as {path.suffix or 'CSV'} ({exc})") from exc


def _require(frame: pd.DataFrame, columns: tuple[str, ...], path: Path) -> None:
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise BadData(f"{path}: column {missing[0]} is missing; the file has {', '.join(map(str, frame.columns))}")
    if frame.empty:
        raise BadData(f"{path}: holds no rows")


def _number(column: pd.Series, name: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = (numbers.isna() & column.notna()).to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadData(f"column {name}: {column.iloc[row]!r} in row {row + 1} is not a number")
    return numbers.astype(float)


def _catalogue(path: Path) -> pd.DataFrame | None:
    for candidate in (path.with_name("items.csv"), path.with_name("items.parquet")):
        if candidate.is_file() and candidate != path:
            items = _table(candidate).to_pandas()
            _require(items, ("item_id",), candidate)
            return items
    return None
