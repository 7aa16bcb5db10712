"""A frame of series laid on its calendar: what forecasters are given."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from models.errors import BadData
from models.forecasting.calendar import LONGEST, Calendar, calendar, median_gap_days

KNOWN = "known_"
"""Columns that begin so are known in advance; any other is known up to the origin and not used beyond it."""


@dataclass(frozen=True)
class Series:
    """One series on its calendar, gaps as NaN.

    `ds` has shape (n,), datetime64[s], one entry a step; `y` has shape (n,), NaN where nothing was observed;
    `regressors` holds the columns known in advance, each of shape (n,) and without NaN.
    """

    series_id: str
    ds: np.ndarray
    y: np.ndarray
    regressors: dict[str, np.ndarray] = field(default_factory=dict)
    unit: str = ""

    def __len__(self) -> int:
        return int(self.y.size)

    def cut(self, start: int, stop: int) -> "Series":
        """The steps from `start` up to, not including, `stop`."""
        part = slice(start, stop)
        return replace(
            self, ds=self.ds[part], y=self.y[part], regressors={k: v[part] for k, v in self.regressors.items()}
        )


@dataclass(frozen=True)
class Panel:
    """Series that share a calendar, ordered by id; `left_out` tells why a series of the frame is not among them."""

    calendar: Calendar
    series: tuple[Series, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def regressors(self) -> tuple[str, ...]:
        """Names of the columns known in advance."""
        return tuple(sorted({name for one in self.series for name in one.regressors}))


def lay(frame: pd.DataFrame) -> Panel:
    """Lay every series of a frame on the frame's calendar, whose step is the median gap.

    Args:
        frame: Columns series_id, ds, y; numeric columns that begin with `known_` are regressors; `unit` is optional.
            It is not changed.

    Raises:
        BadData: A column is missing or malformed, a date occurs twice in a series, or nothing was observed.
    """
    rows = _sorted(frame)
    steps = calendar(median_gap_days(rows["series_id"].to_numpy(), rows["ds"].to_numpy()))
    laid, left_out = [], {}
    for series_id, part in _by_series(rows):
        if part["y"].notna().any():
            laid.append(_lay_one(series_id, part, steps))
        else:
            left_out[series_id] = "no value of y was observed"
    if not laid:
        raise BadData("y: no value was observed in any series; fill the column y")
    return Panel(steps, tuple(laid), left_out)


def check(frame: pd.DataFrame) -> None:
    """See that a frame can be laid out.

    Raises:
        BadData: With the column at fault and the remedy.
    """
    missing = [name for name in ("series_id", "ds", "y") if name not in frame.columns]
    if missing:
        raise BadData(f"column {missing[0]} is missing; give series_id, ds, y and, if any, regressors")
    if frame.empty:
        raise BadData("the data have no rows; give at least two rows of one series")
    for name in ("ds", "series_id"):
        if frame[name].isna().any():
            raise BadData(f"{name}: row {_first(frame[name].isna())} is empty; fill it or leave the row out")
    for name in ["y", *(name for name in frame.columns if str(name).startswith(KNOWN))]:
        _check_numbers(frame, name)


def _check_numbers(frame: pd.DataFrame, name: str) -> None:
    if not (pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name])):
        raise BadData(f"{name}: not a column of numbers; write numbers, and leave a cell empty where none is known")
    infinite = np.isinf(frame[name].to_numpy(dtype=float, na_value=np.nan))
    if infinite.any():
        raise BadData(f"{name}: row {_first(infinite)} is infinite; write a finite number or leave the cell empty")


def _first(marked: "pd.Series | np.ndarray") -> int:
    return int(np.flatnonzero(np.asarray(marked))[0]) + 1


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    check(frame)
    rows = frame.assign(series_id=frame["series_id"].astype(str), ds=plain_dates(frame["ds"]))
    twice = rows.duplicated(["series_id", "ds"])
    if twice.any():
        row = rows[twice].iloc[0]
        raise BadData(f"ds: {row['ds']} occurs twice in series {row['series_id']!r}; keep one row for each date")
    return rows.sort_values(["series_id", "ds"], kind="stable", ignore_index=True)


def plain_dates(column: pd.Series) -> pd.Series:
    """Dates as datetime64[s] in UTC, without a zone.

    Raises:
        BadData: The column holds no dates.
    """
    try:
        return pd.to_datetime(column, utc=True).dt.tz_localize(None).astype("datetime64[s]")
    except (ValueError, TypeError, pd.errors.ParserError) as error:
        raise BadData("ds: not a column of dates; write them as YYYY-MM-DD") from error


def _by_series(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    ids = rows["series_id"].to_numpy()
    edges = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1], True])
    for start, stop in pairwise(edges):
        yield str(ids[start]), rows.iloc[start:stop]


def _lay_one(series_id: str, part: pd.DataFrame, steps: Calendar) -> Series:
    """From the first to the last observed value; what was read twice for one step is averaged."""
    observed = np.flatnonzero(part["y"].notna())
    part = part.iloc[observed[0] : observed[-1] + 1]
    ds = part["ds"].to_numpy()
    positions = steps.positions(ds, ds[0])
    n = int(positions[-1]) + 1
    if n > LONGEST:
        raise BadData(f"ds: series {series_id!r} spans {n} steps from {ds[0]} to {ds[-1]}; look for a wrong date")
    known = [name for name in part.columns if str(name).startswith(KNOWN)]
    unit = str(part["unit"].iloc[0]) if "unit" in part.columns else ""
    return Series(
        series_id,
        steps.dates(ds[0], np.arange(n)),
        _place(part["y"], positions, n),
        {name: carried(_place(part[name], positions, n)) for name in known if part[name].notna().any()},
        unit,
    )


def _place(column: pd.Series, positions: np.ndarray, n: int) -> np.ndarray:
    values = column.to_numpy(dtype=float, na_value=np.nan)
    seen = np.isfinite(values)
    sums = np.bincount(positions[seen], values[seen], minlength=n)
    counts = np.bincount(positions[seen], minlength=n)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def carried(values: np.ndarray) -> np.ndarray:
    """Values with each gap filled by the last one before it (the first one after it at the start).

    >>> carried(np.array([np.nan, 1.0, np.nan, 2.0]))
    array([1., 1., 1., 2.])
    """
    seen = np.flatnonzero(np.isfinite(values))
    before = np.searchsorted(seen, np.arange(values.size), side="right") - 1
    return np.asarray(values[seen[np.maximum(before, 0)]])
