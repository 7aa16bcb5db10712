"""Split-conformal intervals: the errors made on past windows say how wide an interval has to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

STEEPEST = 0.5
"""Errors of a random walk grow with the square root of the horizon; nothing here is let grow faster."""


class Forecast(NamedTuple):
    """A forecast with its interval in the unit of y, each of shape (steps,)."""

    yhat: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


class Window(NamedTuple):
    """One forecast of the past: what was expected, what came, and the spread of the fit's own residuals."""

    expected: np.ndarray
    actual: np.ndarray
    spread: float


@dataclass(frozen=True)
class Conformal:
    """Calibrated offsets around a forecast.

    `residuals`, shape (n,), are the past windows' errors (actual − expected), each divided by its series' spread and
    by the growth of its step, ascending. An interval at level L takes the order statistics ⌊(n + 1)(1 − L) / 2⌋ and
    ⌈(n + 1)(1 + L) / 2⌉, so that exchangeable errors fall inside with probability L or more.

    Source: Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World (2005); Lei et al., Distribution-free
    predictive inference for regression (2018).
    """

    residuals: np.ndarray
    power: float = 0.0
    horizon: int = 1

    def offsets(self, level: float, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper offsets in units of a series' spread, each of the shape of `steps` (1 = next step).

        >>> Conformal(np.arange(-9.0, 10.0)).offsets(0.8, np.array([1]))
        (array([-8.]), array([8.]))
        """
        n = self.residuals.size
        low = int(np.floor((n + 1) * (1 - level) / 2 + 1e-9))
        high = int(np.ceil((n + 1) * (1 + level) / 2 - 1e-9))
        lower, upper = self.residuals[max(low, 1) - 1], self.residuals[min(high, n) - 1]
        growth = grown(steps, self.power, self.horizon)
        return min(lower, 0.0) * growth, max(upper, 0.0) * growth

    @property
    def finest_level(self) -> float:
        """The highest level that this many residuals can vouch for; above it the extremes serve."""
        return 1.0 - 2.0 / (self.residuals.size + 1)


def grown(steps: np.ndarray, power: float, horizon: int) -> np.ndarray:
    """Growth of the error with the step: a power within the calibrated horizon, a square root beyond it."""
    within = np.minimum(steps, horizon).astype(float) ** power
    return within * np.sqrt(np.maximum(steps / horizon, 1.0))


def calibrate(windows: Sequence[Window]) -> Conformal:
    """Offsets from past windows; windows whose fit left no spread say nothing and are left out.

    Args:
        windows: Forecasts made without their actual values, of any series.
    """
    told = [one for one in windows if one.spread > 0 and np.isfinite(one.actual).any()]
    if not told:
        return Conformal(np.zeros(1))
    horizon = max(one.actual.size for one in told)
    table = np.full((len(told), horizon), np.nan)
    for row, one in zip(table, told, strict=True):
        row[: one.actual.size] = (one.actual - one.expected) / one.spread
    power = _power(table)
    table = table / grown(np.arange(1, horizon + 1), power, horizon)
    return Conformal(np.sort(table[np.isfinite(table)]), power, horizon)


def _power(table: np.ndarray) -> float:
    """Slope of the log mean absolute error over the log step, within 0 and a square root."""
    counts = np.isfinite(table).sum(axis=0)
    steps = np.flatnonzero(counts >= 30) + 1
    if steps.size < 4:
        return 0.0
    errors = np.nanmean(np.abs(table[:, steps - 1]), axis=0)
    if not (errors > 0).all():
        return 0.0
    slope = float(np.polyfit(np.log(steps), np.log(errors), 1)[0])
    return float(np.clip(slope, 0.0, STEEPEST))
