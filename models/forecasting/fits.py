"""What an algorithm learns from a panel, and what one series' part of it forecasts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from models.forecasting import carry, link
from models.forecasting.calendar import Calendar
from models.forecasting.intervals import Conformal, Forecast
from models.forecasting.panel import Series

Done = Callable[[float], None]
"""Told the share of the work that is done."""


class Forecaster(Protocol):
    """What is known of one series, on the scale of its link."""

    @property
    def algorithm(self) -> str:
        """What made it: the algorithm asked for, or the one that goes on where that cannot."""

    @property
    def regressors(self) -> tuple[str, ...]:
        """What has to be known about the future."""

    def expect(self, ds: np.ndarray, regressors: dict[str, np.ndarray]) -> np.ndarray:
        """Expectation at the steps that follow the training."""


@dataclass(frozen=True)
class Fit:
    """A fitted series: the forecaster, the scale it works on, the spread of its residuals and their latest levels.

    `spread` is the mean absolute residual on the scale of the link: intervals are calibrated in its unit. `levels` are
    those of `carry.levels`, zeros where no level carries on.
    """

    forecaster: Forecaster
    link: str
    nonnegative: bool
    spread: float
    levels: np.ndarray

    def forecast(
        self,
        ds: np.ndarray,
        regressors: dict[str, np.ndarray],
        *,
        conformal: Conformal,
        level: float,
        carried: carry.Carry,
    ) -> Forecast:
        """The steps that follow the training, with intervals of coverage `level`."""
        middle = self.forecaster.expect(ds, regressors) + carried.over(self.levels, ds.size)
        lower, upper = conformal.offsets(level, np.arange(1, ds.size + 1))
        at = (middle, middle + lower * self.spread, middle + upper * self.spread)
        return Forecast(*(link.from_link(z, self.link, self.nonnegative) for z in at))


class PanelForecaster(Protocol):
    """What an algorithm's `fit(panel, config, done)` and `load(directory, config)` give: a forecaster of every series.

    It may have learned each series by itself or all of them together.
    """

    def of(self, series_id: str) -> Fit:
        """The fit of a series that it was trained on."""

    def of_history(self, series: Series, calendar: Calendar) -> Fit:
        """A fit of a series that it has not seen, to be continued."""

    def save(self, directory: Path) -> None:
        """Write json, npz or onnx files of names other than those of `PanelModel.save`."""


def fit_of(forecaster: Forecaster, series: Series, chosen: str, residuals: np.ndarray, *, carries: bool = False) -> Fit:
    """The fit of a series with its residuals in sample.

    Args:
        forecaster: What was learned of it.
        series: In the unit of y.
        chosen: The link that it was learned on.
        residuals: On the link's scale, shape (n,), NaN in gaps.
        carries: Whether the level of the latest residuals may carry on.
    """
    seen = residuals[np.isfinite(residuals)]
    spread = float(np.abs(seen).mean()) if seen.size else 0.0
    levels = carry.levels(residuals) if carries else np.zeros(len(carry.WEIGHTS))
    return Fit(forecaster, chosen, bool(np.nanmin(series.y) >= 0), spread, levels)


def state_of(fit: Fit, of_forecaster: dict[str, Any]) -> dict[str, Any]:
    """A fit as JSON, to be given to `fit_from`."""
    return {
        "algorithm": fit.forecaster.algorithm,
        "link": fit.link,
        "nonnegative": fit.nonnegative,
        "spread": fit.spread,
        "levels": [float(level) for level in fit.levels],
        **of_forecaster,
    }


def fit_from(state: dict[str, Any], forecaster: Forecaster) -> Fit:
    """What `state_of` wrote, around its forecaster."""
    levels = np.array(state["levels"], dtype=float)
    return Fit(forecaster, state["link"], state["nonnegative"], state["spread"], levels)
