"""Turn columns as they came into columns as they are stored; what cannot be turned is marked with a reason."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_EARLIEST_MS = 0  # 1970
_LATEST_MS = 4_102_444_800_000  # 2100
_MS_ABOVE = 100_000_000_000  # a bigger number of seconds would be after the year 5138
_LONGEST_ID = 256
_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*"

Mask = np.ndarray


@dataclass
class Marks:
    """The first reason against each row, empty where there is none."""

    n_rows: int
    bad: Mask = field(init=False)
    code: np.ndarray = field(init=False)
    reasons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bad = np.zeros(self.n_rows, bool)
        self.code = np.zeros(self.n_rows, np.int32)

    def add(self, mask: Mask, reason: str) -> None:
        """Hold a reason against the rows of a mask that have none yet."""
        fresh = mask & ~self.bad
        if fresh.any():
            self.code[fresh] = len(self.reasons)
            self.reasons.append(reason)
            self.bad |= fresh

    def reason_of(self, rows: np.ndarray) -> list[str]:
        """Reasons against the rows of these numbers."""
        return [self.reasons[code] for code in self.code[rows]]


def text(rows: pa.Table, name: str) -> pa.Array:
    """A column as trimmed text, null where it is blank; all null where there is no such column."""
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.string())
    column = rows[name].combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = _whole_numbers(column)
    column = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def identifier(rows: pa.Table, name: str, marks: Marks) -> pa.Array:
    """A column of ids: there, and not absurdly long."""
    values = text(rows, name)
    marks.add(_mask(values.is_null()), f"{name} is missing")
    marks.add(_mask(pc.greater(pc.utf8_length(values), _LONGEST_ID)), f"{name} is longer than {_LONGEST_ID} characters")
    return values


def number(rows: pa.Table, name: str, marks: Marks) -> pa.Array:
    """A column of finite numbers, null where it is blank."""
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.float64())
    column = rows[name].combine_chunks()
    blank = _mask(column.is_null())
    values = _floats(column)
    marks.add(~blank & ~np.isfinite(values), f"{name} is not a number")
    return pa.array(values, pa.float64(), mask=blank | ~np.isfinite(values))


def moment(rows: pa.Table, name: str, marks: Marks) -> np.ndarray:
    """A column of times as milliseconds since 1970 in UTC, shape (n_rows,).

    Seconds or milliseconds since 1970, or ISO 8601; a time without a zone is UTC.
    """
    column = rows[name].combine_chunks()
    missing = _mask(column.is_null())
    if pa.types.is_temporal(column.type):
        values = _temporal(column)
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        values = _by_value(column, _times_of_text)
    else:
        values = _epoch(_floats(column))
    known = np.isfinite(values)
    marks.add(missing, f"{name} is missing")
    marks.add(~known, f"{name} is not a time")
    marks.add(known & ((values < _EARLIEST_MS) | (values >= _LATEST_MS)), f"{name} is not between 1970 and 2100")
    return np.where(known, values, 0).astype(np.int64)


def _mask(values: pa.Array) -> Mask:
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)


def _whole_numbers(column: pa.Array) -> pa.Array:
    """Ids that a null turned into floats: 12.0 is 12."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def _floats(column: pa.Array) -> np.ndarray:
    """Numbers, NaN where there is none."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _by_value(column, _numbers_of_text)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        return np.full(len(column), np.nan)
    return pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)


def _by_value(column: pa.Array, convert: Callable[[pd.Series], np.ndarray]) -> np.ndarray:
    """Convert each distinct text once."""
    coded = pc.dictionary_encode(column, null_encoding="encode")
    return convert(coded.dictionary.to_pandas().astype("string"))[coded.indices.to_numpy()]


def _numbers_of_text(values: pd.Series) -> np.ndarray:
    return values.where(values.str.fullmatch(_NUMBER, na=False)).to_numpy(np.float64, na_value=np.nan)


def _times_of_text(values: pd.Series) -> np.ndarray:
    counts = _epoch(_numbers_of_text(values))
    words = values.where(np.isnan(counts))
    parsed = pd.to_datetime(words, format="ISO8601", utc=True, errors="coerce")
    return np.where(np.isnan(counts), _milliseconds(parsed), counts)


def _milliseconds(times: pd.Series) -> np.ndarray:
    whole = times.dt.tz_localize(None).astype("datetime64[ms]").to_numpy().view(np.int64)
    return np.where(times.isna(), np.nan, whole.astype(np.float64))


def _epoch(values: np.ndarray) -> np.ndarray:
    """Milliseconds of a count of seconds, or of milliseconds where it is too big for seconds."""
    return np.where(np.abs(values) > _MS_ABOVE, np.floor(values), np.floor(values * 1000 + 0.5))


def _temporal(column: pa.Array) -> np.ndarray:
    counts = pc.cast(column.cast(pa.timestamp("ms"), safe=False), pa.int64())
    return pc.fill_null(counts.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)
