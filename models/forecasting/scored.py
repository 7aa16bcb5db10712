"""Forecasts beside what came, and what they are worth together."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from models.evaluation import Scores
from models.forecasting.intervals import Forecast
from models.forecasting.metrics import covered, wape


class Metric(NamedTuple):
    """How one forecast of one series is scored.

    Attributes:
        name: As evaluations have it.
        scale: From the values before an origin and the steps of a season to what errors are measured in; a forecast
            with a scale of 0 is left out and counted.
        score: From what came, the forecast and the scale to the score, less is better.
    """

    name: str
    scale: Callable[[np.ndarray, int], float]
    score: Callable[[np.ndarray, np.ndarray, float], float]


class Scored(NamedTuple):
    """A forecast beside what came; `scale` is the metric's of its training window, `score` NaN where there is none."""

    series_id: str
    unit: str
    ds: np.ndarray
    actual: np.ndarray
    forecast: Forecast
    scale: float
    score: float


def per_series(forecasts: Iterable[Scored]) -> tuple[np.ndarray, int]:
    """Mean score of each series in order, NaN where no origin has one, and how many were left out for their scale."""
    by_series: dict[str, list[float]] = {}
    left_out = 0
    for one in forecasts:
        own = by_series.setdefault(one.series_id, [])
        left_out += not one.scale > 0
        own += [one.score] if np.isfinite(one.score) else []
    return np.array([np.mean(own) if own else np.nan for own in by_series.values()]), left_out


def summary(forecasts: Sequence[Scored]) -> Scores:
    """WAPE as the mean over units of measure, and coverage and mean width of the 95 % interval."""
    inside = np.concatenate([covered(one.actual, one.forecast.lower, one.forecast.upper) for one in forecasts])
    width = np.concatenate([one.forecast.upper - one.forecast.lower for one in forecasts])
    return {
        "wape": mean(np.array(list(wape_by_unit(forecasts).values()))),
        "coverage@95": mean(inside),
        "width@95": mean(width[np.isfinite(inside)]),
    }


def mean(values: np.ndarray) -> float:
    """Mean of the finite values; NaN where there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")


def wape_by_unit(forecasts: Sequence[Scored]) -> dict[str, float]:
    """WAPE over all steps of the series that share a unit (kg and dozens do not add up)."""
    groups: dict[str, list[Scored]] = {}
    for one in forecasts:
        groups.setdefault(one.unit, []).append(one)
    return {
        unit: wape(np.concatenate([one.actual for one in own]), np.concatenate([one.forecast.yhat for one in own]))
        for unit, own in groups.items()
    }


def coverage_by_step(forecasts: Sequence[Scored]) -> np.ndarray:
    """Share of the observed values inside their interval for each step ahead, shape (horizon,)."""
    rows = np.array([covered(one.actual, one.forecast.lower, one.forecast.upper) for one in forecasts])
    counts = np.isfinite(rows).sum(axis=0)
    return np.asarray(np.nansum(rows, axis=0) / np.maximum(counts, 1))


def by_origin(forecasts: Iterable[Scored]) -> dict[str, list[float]]:
    """Scores by the first day that was forecast: series share their days, so a bad week shows here."""
    found: dict[str, list[float]] = {}
    for one in forecasts:
        if np.isfinite(one.score):
            day = str(np.datetime_as_string(one.ds[0].astype("datetime64[D]")))
            found.setdefault(day, []).append(one.score)
    return dict(sorted(found.items()))
