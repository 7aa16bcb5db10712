"""The forecasters' fixed protocol: rolling origins on every series, scored against naive forecasts."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from models.errors import BadRequest, HistoryTooShort
from models.evaluation import Evaluation, Recipe, Scores
from models.family import Progress
from models.forecasting import pool
from models.forecasting.calibration import Calibration, calibrate
from models.forecasting.fits import Fold, Forecast
from models.forecasting.metrics import covered, mase, seasonal_scale, wape
from models.forecasting.origins import Plan, plan, windows_wanted
from models.forecasting.panel import Panel, Series, lay, plain_dates

NAME = "demand-forecaster"
PRIMARY = "mase"
BASELINES = ("naive", "seasonal_naive")
LEVEL = 0.95


class Scored(NamedTuple):
    """One forecast beside what came; `scale` is the seasonal naive error of its training window, in the unit of y."""

    series_id: str
    unit: str
    ds: np.ndarray
    actual: np.ndarray
    forecast: Forecast
    scale: float


@dataclass(frozen=True)
class ForecastEvaluation(Evaluation):
    """An evaluation that keeps its forecasts for pictures; they are not part of its JSON."""

    forecasts: tuple[Scored, ...] = field(default=(), repr=False)
    past: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)
    """The last of each series' history: dates and values."""


class Task(NamedTuple):
    """A panel and where each of its series is cut."""

    panel: Panel
    plans: tuple[Plan, ...]
    horizon: int
    origins: int
    windows: int


def evaluate(
    data: pd.DataFrame,
    recipes: Sequence[Recipe],
    *,
    protocol: dict[str, Any],
    progress: Progress,
) -> list[Evaluation]:
    """Score recipes by rolling origins.

    Each origin's MASE is scaled by the seasonal naive error of its own training window and averaged over a series'
    origins, then over series; a scale of zero is left out and counted. Intervals are calibrated on errors before each
    series' first origin alone. Only columns that begin with `known_` are known after an origin.

    Args:
        data: Columns series_id, ds, y and any `known_` regressors; not changed.
        recipes: What to score.
        protocol: `horizon` and `origins`, where the defaults (14, 8 or 6 steps by frequency, 5) are not wanted.
        progress: Told how far the work is.

    Raises:
        BadRequest: The protocol asks for something impossible.
        HistoryTooShort: No series is long enough for one origin.
    """
    task = _task(lay(data), protocol)
    naive = {name: _score(task, Recipe(algorithm=name), lambda share: None) for name in BASELINES}
    made: list[Evaluation] = []
    for number, recipe in enumerate(recipes):
        tell_share = _part(progress, number / len(recipes), 1 / len(recipes), f"backtest {recipe.algorithm}")
        scores = _score(task, recipe, tell_share)
        made.append(_evaluation(task, recipe, scores, naive, str(data.attrs.get("source", "frame"))))
    progress(1.0, "backtest done")
    return made


def before_the_origins(data: pd.DataFrame) -> pd.DataFrame:
    """The rows of each series from before its first scored origin; a series that is not scored keeps all of its rows.

    Raises:
        HistoryTooShort: No series is long enough for one origin.
    """
    task = _task(lay(data), {})
    kept = np.ones(len(data), bool)
    ids, ds = data["series_id"].astype(str).to_numpy(), plain_dates(data["ds"]).to_numpy()
    for one, where in zip(task.panel.series, task.plans, strict=True):
        if where.scored:
            rows = np.flatnonzero(ids == one.series_id)
            kept[rows] = task.panel.calendar.positions(ds[rows], one.ds[0]) < where.scored[0]
    return data[kept].reset_index(drop=True)


def _part(tell: Progress, start: float, share: float, text: str) -> pool.Done:
    def done(of_part: float) -> None:
        tell(start + share * of_part, f"{text}: {of_part:.0%}")

    return done


def _task(panel: Panel, protocol: dict[str, Any]) -> Task:
    unknown = sorted(set(protocol) - {"horizon", "origins"})
    if unknown:
        raise BadRequest(f"protocol.{unknown[0]}", "not known; give horizon and origins")
    horizon = _whole(protocol, "horizon", panel.calendar.horizon)
    origins = _whole(protocol, "origins", 5)
    windows = windows_wanted(len(panel.series), horizon)
    plans = tuple(plan(one, panel.calendar, horizon, origins, windows) for one in panel.series)
    if not any(one.scored for one in plans):
        longest = max(len(one) for one in panel.series)
        raise HistoryTooShort(f"y: no series is longer than {longest} steps, too short for a horizon of {horizon}")
    return Task(panel, plans, horizon, origins, windows)


def _whole(protocol: dict[str, Any], name: str, default: int) -> int:
    value = protocol.get(name)
    value = default if value is None else value
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 365:
        raise BadRequest(f"protocol.{name}", f"{value!r} is not a whole number from 1 to 365")
    return value


class Outcome(NamedTuple):
    """What one algorithm did: its forecasts, their summary, and how it was calibrated."""

    forecasts: list[Scored]
    mase: np.ndarray
    left_out: int
    metrics: Scores
    calibration: Calibration
    seconds: float


def _score(task: Task, recipe: Recipe, done: Callable[[float], None]) -> Outcome:
    started = time.perf_counter()
    cut = [(one, where) for one, where in zip(task.panel.series, task.plans, strict=True) if where.scored]
    jobs = [pool.Job(one, where.calibrating + where.scored) for one, where in cut]
    folds = pool.run(jobs, task.horizon, task.panel.calendar, recipe, done)
    past = [fold for (_, where), own in zip(cut, folds, strict=True) for fold in own[: len(where.calibrating)]]
    calibration = calibrate(past)
    forecasts = [
        _look(one, where, fold, calibration, task.horizon)
        for (one, where), own in zip(cut, folds, strict=True)
        for fold in own[len(where.calibrating) :]
    ]
    per_series, left_out = _per_series(forecasts)
    metrics = _metrics(forecasts, per_series)
    return Outcome(forecasts, per_series, left_out, metrics, calibration, time.perf_counter() - started)


def _look(series: Series, where: Plan, fold: Fold, calibration: Calibration, horizon: int) -> Scored:
    future = series.cut(fold.origin, fold.origin + horizon)
    forecast = fold.fit.forecast(
        future.ds, future.regressors, conformal=calibration.conformal, level=LEVEL, carried=calibration.carry
    )
    scale = seasonal_scale(series.y[: fold.origin], where.season)
    return Scored(series.series_id, series.unit, future.ds, future.y, forecast, scale)


def _per_series(forecasts: list[Scored]) -> tuple[np.ndarray, int]:
    """MASE of each series in order, NaN where no origin has a scale, and how many origins were left out for that."""
    by_series: dict[str, list[float]] = {}
    left_out = 0
    for one in forecasts:
        own = by_series.setdefault(one.series_id, [])
        if not one.scale > 0:
            left_out += 1
        elif np.isfinite(one.actual).any():
            own.append(mase(one.actual, one.forecast.yhat, one.scale))
    return np.array([np.mean(own) if own else np.nan for own in by_series.values()]), left_out


def _metrics(forecasts: list[Scored], per_series: np.ndarray) -> Scores:
    inside = np.concatenate([covered(one.actual, one.forecast.lower, one.forecast.upper) for one in forecasts])
    width = np.concatenate([one.forecast.upper - one.forecast.lower for one in forecasts])
    seen = np.isfinite(inside)
    return {
        "mase": _mean(per_series),
        "wape": _mean(np.array(list(wape_by_unit(forecasts).values()))),
        "coverage@95": _mean(inside),
        "width@95": _mean(width[seen]),
    }


def _mean(values: np.ndarray) -> float:
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


def _evaluation(
    task: Task, recipe: Recipe, scores: Outcome, naive: dict[str, Outcome], source: str
) -> ForecastEvaluation:
    ids = list(dict.fromkeys(one.series_id for one in scores.forecasts))
    tail = 6 * task.horizon
    return ForecastEvaluation(
        model=NAME,
        algorithm=recipe.algorithm,
        data=source,
        protocol=_protocol(task),
        metrics=scores.metrics,
        baselines={name: one.metrics for name, one in naive.items()},
        n=int(sum(np.isfinite(one.actual).sum() for one in scores.forecasts)),
        seconds=scores.seconds,
        primary=PRIMARY,
        better="lower",
        unit_ids=np.array(ids),
        unit_scores={name: one.mase for name, one in naive.items()} | {recipe.algorithm: scores.mase},
        slices=_slices(task, scores, naive),
        unit="series",
        forecasts=tuple(scores.forecasts),
        past={one.series_id: (one.ds[-tail:], one.y[-tail:]) for one in task.panel.series},
    )


def _protocol(task: Task) -> dict[str, Any]:
    return {
        "name": "rolling-origin",
        "horizon": task.horizon,
        "origins": task.origins,
        "season": task.panel.calendar.season,
        "step_days": round(task.panel.calendar.days, 4),
        "calibration_windows": task.windows,
        "regressors": list(task.panel.regressors),
    }


def _slices(task: Task, scores: Outcome, naive: dict[str, Outcome]) -> dict[str, dict[str, Any]]:
    short = sum(not one.scored for one in task.plans)
    units = wape_by_unit(scores.forecasts)
    return {
        "series": {"scored": len(scores.mase), "too_short": short, "without_values": len(task.panel.left_out)},
        "origins": {"scored": len(scores.forecasts), "zero_scale_left_out": scores.left_out},
        "coverage_by_step": {
            str(step + 1): round(float(share), 4) for step, share in enumerate(coverage_by_step(scores.forecasts))
        },
        **({"wape_by_unit": units} if len(units) > 1 else {}),
        "origin": _by_origin(scores, naive),
    }


def _by_origin(scores: Outcome, naive: dict[str, Outcome]) -> dict[str, dict[str, Any]]:
    """MASE over the series of each origin beside the baselines': series share their days, so a bad week shows here."""
    ours, theirs = _at_origins(scores), {name: _at_origins(one) for name, one in naive.items()}
    return {
        day: {
            "n": len(values),
            PRIMARY: float(np.mean(values)),
            "baselines": {name: float(np.mean(found[day])) for name, found in theirs.items() if day in found},
        }
        for day, values in sorted(ours.items())
    }


def _at_origins(scores: Outcome) -> dict[str, list[float]]:
    """MASE of each series by the first day that was forecast."""
    found: dict[str, list[float]] = {}
    for one in scores.forecasts:
        if one.scale > 0 and np.isfinite(one.actual).any():
            day = str(np.datetime_as_string(one.ds[0].astype("datetime64[D]")))
            found.setdefault(day, []).append(mase(one.actual, one.forecast.yhat, one.scale))
    return found
