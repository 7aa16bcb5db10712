"""The calendar a series lies on: one position a step, counted from an anchor date."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.errors import BadData, BadRequest

DAY_S = 86_400
LONGEST = 100_000
"""Steps a series may span; more means a wrong date rather than a long history."""


@dataclass(frozen=True)
class Calendar:
    """A step with the season and horizon that go with it.

    Either `months` or `seconds` is the step's length; the other is 0. `season` and `horizon` are counted in steps.
    """

    seconds: int
    months: int
    season: int
    horizon: int

    @property
    def days(self) -> float:
        """Mean length of a step in days."""
        return self.months * 365.25 / 12 if self.months else self.seconds / DAY_S

    def positions(self, ds: np.ndarray, anchor: np.datetime64) -> np.ndarray:
        """The nearest position of each date, shape (n,), counted from `anchor`."""
        if self.months:
            return _month_of(ds) // self.months - _month_of(anchor) // self.months
        elapsed = (ds - anchor) / np.timedelta64(1, "s")
        return np.round(elapsed / self.seconds).astype(np.int64)

    def dates(self, anchor: np.datetime64, positions: np.ndarray) -> np.ndarray:
        """The dates at these positions, shape (n,), datetime64[s].

        >>> calendar(30.4).dates(np.datetime64("2024-01-31", "s"), np.array([1, 2])).astype("datetime64[D]")
        array(['2024-02-29', '2024-03-31'], dtype='datetime64[D]')
        """
        anchor = anchor.astype("datetime64[s]")
        if not self.months:
            return anchor + (np.asarray(positions) * self.seconds).astype("timedelta64[s]")
        month = (_month_of(anchor) + np.asarray(positions) * self.months).astype("datetime64[M]")
        return month.astype("datetime64[s]") + _day_in(month, anchor)

    def after(self, last: np.datetime64, first: np.datetime64, periods: int) -> np.ndarray:
        """The `periods` dates that follow `last` on the calendar anchored at `first`."""
        behind = int(self.positions(np.array([last]), first)[0])
        return self.dates(first, np.arange(behind + 1, behind + 1 + periods))

    def to_json(self) -> dict[str, int]:
        """The fields, to be given to `Calendar(**fields)`."""
        return {"seconds": self.seconds, "months": self.months, "season": self.season, "horizon": self.horizon}


def _month_of(ds: Any) -> Any:
    return np.asarray(ds).astype("datetime64[M]").astype(np.int64)


def _day_in(month: np.ndarray, anchor: np.datetime64) -> np.ndarray:
    """Time from the start of each month to the anchor's day and hour in it; the month's end where the anchor is one."""
    length = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64)
    of_anchor = anchor.astype("datetime64[M]")
    day = int((anchor.astype("datetime64[D]") - of_anchor.astype("datetime64[D]")).astype(int))
    at_end = day + 1 == int(((of_anchor + 1).astype("datetime64[D]") - of_anchor.astype("datetime64[D]")).astype(int))
    days = length - 1 if at_end else np.minimum(day, length - 1)
    return days.astype("timedelta64[D]").astype("timedelta64[s]") + (anchor - anchor.astype("datetime64[D]"))


def calendar(gap_days: float) -> Calendar:
    """The calendar whose step is the one nearest to a gap.

    Seasons and default horizons: 7 and 14 for days, 52 and 8 for weeks, 12 and 6 for months.

    Args:
        gap_days: Usual time between two observations, in days.

    >>> calendar(7.0)
    Calendar(seconds=604800, months=0, season=52, horizon=8)
    """
    for low, high, months, season, horizon in ((29.2, 31.5, 1, 12, 6), (88, 93, 3, 4, 4), (360, 370, 12, 1, 4)):
        if low <= gap_days <= high:
            return Calendar(0, months, season, horizon)
    seconds = max(1, round(gap_days * DAY_S))
    known = {3600: (24, 24), DAY_S: (7, 14), 7 * DAY_S: (52, 8)}
    season, horizon = known.get(seconds, (1, 6))
    return Calendar(seconds, 0, season, horizon)


def median_gap_days(series_id: np.ndarray, ds: np.ndarray) -> float:
    """Median time between neighbours within each series, in days.

    Args:
        series_id: Shape (n,), rows of a series together.
        ds: Dates, shape (n,), ascending within each series.

    Raises:
        BadData: No series has two rows, so no frequency can be told.
    """
    same = series_id[1:] == series_id[:-1]
    gaps = (ds[1:] - ds[:-1])[same] / np.timedelta64(1, "s")
    if gaps.size == 0:
        raise BadData("ds: no series has two dates, so the frequency is unknown; give at least two rows of one series")
    return float(np.median(gaps)) / DAY_S


def named(freq: str) -> Calendar:
    """The calendar of a frequency's name: h, D, W, MS, QS (pandas' other spellings too).

    Raises:
        BadRequest: The name is none of these.
    """
    gaps = {"H": 1 / 24, "D": 1.0, "W": 7.0, "MS": 30.4, "ME": 30.4, "M": 30.4, "QS": 91.3, "QE": 91.3, "Q": 91.3}
    key = str(freq).upper().split("-")[0]
    if key not in gaps:
        raise BadRequest("freq", f"{freq!r} is not known; give one of h, D, W, MS, QS")
    return calendar(gaps[key])


def written(ds: np.ndarray) -> list[str]:
    """Dates as ISO text: days where all fall on midnight, seconds otherwise."""
    whole = ds.astype("datetime64[D]")
    return [str(day) for day in (whole if (whole == ds).all() else ds)]
