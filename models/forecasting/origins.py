"""Where a series is cut: the origins that are scored, and the earlier ones that calibrate."""

from typing import NamedTuple

import numpy as np

from models.forecasting.calendar import Calendar
from models.forecasting.panel import Series

FEWEST_TO_CALIBRATE = 10
"""Observed values before a calibrating origin, where the history is too short for two seasons."""


class Plan(NamedTuple):
    """Origins of one series, ascending; an origin is the number of steps before it."""

    season: int
    scored: tuple[int, ...]
    calibrating: tuple[int, ...]


def plan(series: Series, calendar: Calendar, horizon: int, origins: int, windows: int) -> Plan:
    """The origins of one series under the rolling-origin protocol.

    Origins lie one horizon apart and the last forecast ends with the series. Training is never shorter than two
    seasons; a series too short for even one such origin is scored with a season of one step. Calibrating origins lie
    before the first scored one and look no further than it.

    Args:
        series: The series.
        calendar: Its calendar.
        horizon: Steps of each forecast.
        origins: Origins to score, fewer where the history is short.
        windows: Calibrating origins wanted.
    """
    for season in dict.fromkeys((calendar.season, 1)):
        scored = _back_from(series, len(series), horizon, origins, 2 * season)
        if scored:
            return Plan(season, scored, calibrating(series, scored[0], horizon, windows, season))
    return Plan(1, (), ())


def calibrating(series: Series, before: int, horizon: int, windows: int, season: int) -> tuple[int, ...]:
    """Origins one horizon apart whose forecasts end no later than `before`, on two seasons or at least a few values."""
    found = _back_from(series, before, horizon, windows, 2 * season)
    return found or _back_from(series, before, horizon, windows, FEWEST_TO_CALIBRATE)


def _back_from(series: Series, end: int, horizon: int, count: int, shortest: int) -> tuple[int, ...]:
    origins = [end - horizon * back for back in range(count, 0, -1)]
    return tuple(one for one in origins if one >= max(shortest, 2) and np.isfinite(series.y[:one]).sum() >= 2)


def windows_wanted(n_series: int, horizon: int) -> int:
    """Calibrating windows a series: many where there are few series, two where a panel shares them.

    >>> windows_wanted(108, 14), windows_wanted(1, 14)
    (2, 12)
    """
    return int(np.clip(np.ceil(600 / (n_series * horizon)), 2, 12))
