"""Whole weeks, counted backwards from the last full day of the data."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from monitoring.errors import UnknownColumn

DAY_NS = 86_400_000_000_000
FULL_DAY_SHARE = 0.25
"""A last day with fewer rows than this share of a usual day is still arriving."""


class Split(NamedTuple):
    """The data before a week, and that week."""

    reference: pd.DataFrame
    week: pd.DataFrame


def nanoseconds(times: pd.Series) -> np.ndarray:
    """Times as whole nanoseconds UTC since 1970, shape (n,); NaT becomes the smallest integer.

    Numbers are taken as seconds since 1970.
    """
    utc = pd.to_datetime(times, utc=True, unit="s" if pd.api.types.is_numeric_dtype(times) else None)
    return utc.to_numpy(dtype="datetime64[ns]").astype(np.int64)


def time_column(frame: pd.DataFrame, candidates: tuple[str, ...]) -> str | None:
    """The first of `candidates` that `frame` has, or None."""
    return next((name for name in candidates if name in frame.columns), None)


def end_of_last_full_day(days: np.ndarray) -> int:
    """Day number that follows the last full day.

    The last day counts as full when it has at least a quarter of a usual day's rows: an extract is often cut in the
    middle of a day, and a week that is six days and four hours long would look like drift.

    Args:
        days: Day number of each row (whole days since 1970, UTC), shape (n_rows,), not empty.

    >>> end_of_last_full_day(np.array([1] * 8 + [2] * 8 + [3]))
    3
    >>> end_of_last_full_day(np.array([1] * 8 + [2] * 8 + [3] * 2))
    4
    """
    last = int(days.max())
    rows = np.bincount(days[days > last - 29] - (last - 28))
    usual = float(np.median(rows[rows > 0]))
    full = np.flatnonzero(rows >= FULL_DAY_SHARE * usual)
    return last - 28 + int(full[-1]) + 1


def split_week(frame: pd.DataFrame, back: int = 1, time: str = "event_time") -> Split:
    """The `back`-th last whole week of the data, and everything before it.

    Args:
        frame: Rows with a column of times.
        back: 1 is the last whole week, 2 the one before.
        time: Name of that column.

    Returns:
        The rows before the week, and the rows of its seven full days. Rows of a last day that is cut short are in
        neither.

    Raises:
        UnknownColumn: `frame` has no column `time`.
        ValueError: `back` is less than 1.
    """
    if time not in frame.columns:
        raise UnknownColumn(f"wanted a column {time!r} of times; the data have {', '.join(map(str, frame.columns))}")
    if back < 1:
        raise ValueError(f"back counts weeks from 1, got {back}")
    days = nanoseconds(frame[time]) // DAY_NS
    start = end_of_last_full_day(days) - 7 * back
    return Split(frame[days < start], frame[(days >= start) & (days < start + 7)])


def week_numbers(times: pd.Series) -> np.ndarray:
    """Number of the whole week each row is in, 0 the oldest; -1 outside whole weeks, shape (n,).

    Weeks are counted backwards from the end of the last full day, so the newest week is whole and what is left over at
    the beginning is -1.

    >>> week_numbers(pd.Series(pd.date_range("2024-01-01", periods=9))).tolist()
    [-1, -1, 0, 0, 0, 0, 0, 0, 0]
    """
    days = nanoseconds(times) // DAY_NS
    end = end_of_last_full_day(days)
    n_weeks = (end - int(days[days > 0].min(initial=end))) // 7
    numbers = n_weeks - 1 - (end - 1 - days) // 7
    return np.where((numbers >= 0) & (numbers < n_weeks), numbers, -1)
