"""The last value, or the last season, repeated: what anything better has to beat, and how short histories go on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.forecasting.panel import Series


@dataclass(frozen=True)
class Cycle:
    """Repeats the last `season` values; a season of one step is the naive forecast.

    ŷ(T + h) = y(T − m + 1 + (h − 1) mod m), m the season. Source: Hyndman & Athanasopoulos, Forecasting: Principles
    and Practice, 3rd ed., s. 5.2.
    """

    values: np.ndarray
    regressors: tuple[str, ...] = ()

    @property
    def algorithm(self) -> str:
        """`naive` or `seasonal_naive`."""
        return "naive" if self.values.size == 1 else "seasonal_naive"

    def expect(self, ds: np.ndarray, regressors: dict[str, np.ndarray]) -> np.ndarray:
        """The steps that follow the training, shape (len(ds),), in the scale it was given."""
        return np.resize(self.values, ds.size)

    def to_json(self) -> dict[str, Any]:
        """The state, to be given to `from_json`."""
        return {"cycle": [float(value) for value in self.values]}

    @staticmethod
    def from_json(state: dict[str, Any]) -> "Cycle":
        """What `to_json` wrote."""
        return Cycle(np.array(state["cycle"], dtype=float))


def fit(series: Series, season: int) -> tuple[Cycle, np.ndarray]:
    """The last season of a series, each gap filled from the season before it, and the residuals in sample.

    A history shorter than two seasons is repeated by its last value alone.

    Args:
        series: At least one observed value.
        season: Steps in a season.

    Returns:
        The forecaster, and the residuals of shape (n,), NaN in gaps and in the first season.

    >>> cycle, residuals = fit(Series("a", np.arange(4), np.array([1.0, 2.0, 4.0, np.nan])), 2)
    >>> cycle.values, residuals
    (array([4., 2.]), array([nan, nan,  3., nan]))
    """
    season = season if len(series) >= 2 * season else 1
    filled = series.y.copy()
    for position in range(season, filled.size):
        if not np.isfinite(filled[position]):
            filled[position] = filled[position - season]
    values = filled[-season:].copy()
    values[~np.isfinite(values)] = series.y[np.isfinite(series.y)][-1]
    residuals = np.full(series.y.size, np.nan)
    residuals[season:] = series.y[season:] - filled[:-season]
    return Cycle(values), residuals
