"""Fit one series with an algorithm and look ahead from it: the unit of work of evaluation, training and serving."""

import logging
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from models.errors import UnknownAlgorithm
from models.evaluation import Recipe
from models.forecasting import carry, link, naive, prophet
from models.forecasting.calendar import Calendar
from models.forecasting.intervals import Conformal
from models.forecasting.panel import Series
from models.hyperparameters import configured

log = logging.getLogger(__name__)

CONFIGS = {"prophet": prophet.ProphetConfig, "seasonal_naive": prophet.ProphetConfig, "naive": prophet.ProphetConfig}
"""The naive ones use the link alone."""
ALGORITHMS = tuple(CONFIGS)
FEWEST = 10
"""Observed values that Prophet needs; a shorter history is continued naively."""


class Forecaster(Protocol):
    """What was learned from one series, on the scale of its link."""

    @property
    def algorithm(self) -> str:
        """Its name."""

    @property
    def regressors(self) -> tuple[str, ...]:
        """What has to be known about the future."""

    def expect(self, ds: np.ndarray, regressors: dict[str, np.ndarray]) -> np.ndarray:
        """Expectation at the steps that follow the training."""

    def to_json(self) -> dict[str, Any]:
        """The state as JSON."""


class Forecast(NamedTuple):
    """A forecast with its interval in the unit of y, each of shape (steps,)."""

    yhat: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class Fit:
    """A fitted series: the forecaster, the scale it works on, the spread of its residuals and their latest levels."""

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

    def to_json(self) -> dict[str, Any]:
        """The state, to be given to `from_json`."""
        return {
            "link": self.link,
            "nonnegative": self.nonnegative,
            "spread": self.spread,
            "levels": [float(level) for level in self.levels],
            **self.forecaster.to_json(),
        }

    @staticmethod
    def from_json(state: dict[str, Any]) -> "Fit":
        """What `to_json` wrote."""
        forecaster: Forecaster
        if "prophet" in state:
            forecaster = prophet.Curve.from_json({"prophet": state["prophet"]})
        else:
            forecaster = naive.Cycle.from_json(state)
        levels = np.array(state["levels"], dtype=float)
        return Fit(forecaster, state["link"], state["nonnegative"], state["spread"], levels)


class Fold(NamedTuple):
    """A fit at an origin and what it expected of the steps after it, on its link's scale; `actual` likewise."""

    origin: int
    fit: Fit
    expected: np.ndarray
    actual: np.ndarray


def config(recipe: Recipe) -> prophet.ProphetConfig:
    """The checked hyperparameters of a recipe.

    Raises:
        UnknownAlgorithm: The family has no such algorithm.
        BadData: A hyperparameter is unknown or out of range.
    """
    if recipe.algorithm not in ALGORITHMS:
        raise UnknownAlgorithm(f"algorithm {recipe.algorithm!r} is not known; choose one of {', '.join(ALGORITHMS)}")
    return configured(CONFIGS[recipe.algorithm], recipe.algorithm, recipe.params)


def fit_one(series: Series, calendar: Calendar, recipe: Recipe) -> Fit:
    """Fit a series; a history too short for the algorithm, or one it fails on, is continued naively."""
    asked = config(recipe)
    chosen = link.choose(asked.link, series.y)
    scaled = replace(series, y=link.to_link(series.y, chosen))
    forecaster, residuals = _forecaster(scaled, calendar, recipe.algorithm, asked)
    seen = residuals[np.isfinite(residuals)]
    spread = float(np.abs(seen).mean()) if seen.size else 0.0
    carries = asked.carry and forecaster.algorithm == "prophet"
    levels = carry.levels(residuals) if carries else np.zeros(len(carry.WEIGHTS))
    return Fit(forecaster, chosen, bool(np.nanmin(series.y) >= 0), spread, levels)


def _forecaster(
    scaled: Series, calendar: Calendar, algorithm: str, asked: prophet.ProphetConfig
) -> tuple[Forecaster, np.ndarray]:
    if algorithm == "prophet" and np.isfinite(scaled.y).sum() >= FEWEST:
        try:
            return prophet.fit(scaled, calendar, asked)
        except (RuntimeError, TimeoutError) as error:
            log.warning("series %s: Prophet could not be fitted (%s); continued naively", scaled.series_id, error)
    return naive.fit(scaled, 1 if algorithm == "naive" else calendar.season)


def folds(series: Series, origins: tuple[int, ...], horizon: int, calendar: Calendar, recipe: Recipe) -> list[Fold]:
    """A fit at each origin on the steps before it, with what it expected of the `horizon` steps after it."""
    made = []
    for origin in origins:
        fit = fit_one(series.cut(0, origin), calendar, recipe)
        future = series.cut(origin, origin + horizon)
        expected = fit.forecaster.expect(future.ds, future.regressors) if len(future) else np.zeros(0)
        actual = link.to_link(np.maximum(future.y, 0.0) if fit.link != "identity" else future.y, fit.link)
        made.append(Fold(origin, fit, expected, actual))
    return made
