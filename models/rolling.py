"""The rolling-origin protocol: every series is forecast from several moments of its past, beside naive forecasts.

Demand and price share it; each brings its metric and the baselines that have to be beaten.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from models.evaluation import Evaluation, Recipe, Scores, Slice
from models.family import Family, Progress
from models.forecasting import scored
from models.forecasting.calibration import Calibration, calibrate
from models.forecasting.fits import Done
from models.forecasting.folds import Fold, rolled
from models.forecasting.origins import Plan
from models.forecasting.panel import Panel, Series, lay, plain_dates
from models.forecasting.scored import Metric, Scored
from models.forecasting.task import Task, planned

NAME = "rolling-origin"
LEVEL = 0.95


@dataclass(frozen=True)
class RollingEvaluation(Evaluation):
    """An evaluation that keeps its forecasts for pictures; they are not part of its JSON."""

    forecasts: tuple[Scored, ...] = field(default=(), repr=False)
    past: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)
    """The last of each series' history: dates and values."""


class Outcome(NamedTuple):
    """What one algorithm did: its forecasts, the metric by series, and their summary."""

    forecasts: list[Scored]
    by_series: np.ndarray
    left_out: int
    metrics: Scores
    seconds: float


def evaluate(
    family: Family[Any, Any],
    data: pd.DataFrame,
    recipes: Sequence[Recipe],
    *,
    metric: Metric,
    baselines: Sequence[str],
    protocol: dict[str, Any],
    progress: Progress,
) -> list[Evaluation]:
    """Score recipes by rolling origins.

    Each origin's score is scaled by its own training window and averaged over a series' origins, then over series; a
    scale of zero is left out and counted. Intervals are calibrated on errors before each series' first origin alone.
    Only columns that begin with `known_` are known after an origin.

    Args:
        family: Whose model is scored.
        data: Columns series_id, ds, y and any `known_` regressors; not changed.
        recipes: What to score.
        metric: How a forecast is scored; the family's primary metric.
        baselines: The family's algorithms that everything is compared with.
        protocol: `horizon` and `origins`, where the defaults (by the calendar, and 5) are not wanted.
        progress: Told how far the work is.

    Raises:
        BadRequest: The protocol asks for something impossible.
        HistoryTooShort: No series is long enough for one origin.
    """
    task = planned(lay(data), protocol, metric)
    naive = {name: _outcome(task, family, family.default_recipe(name), lambda share: None) for name in baselines}
    source = str(data.attrs.get("source", "frame"))
    made: list[Evaluation] = []
    for number, recipe in enumerate(recipes):
        done = _part(progress, number / len(recipes), 1 / len(recipes), f"backtest {recipe.algorithm}")
        made.append(_evaluation(task, family, recipe, _outcome(task, family, recipe, done), naive, source))
    progress(1.0, "backtest done")
    return made


def before_the_origins(data: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The rows of each series from before its first scored origin; a series that is not scored keeps all of its rows.

    Raises:
        HistoryTooShort: No series is long enough for one origin.
    """
    task = planned(lay(data), {}, metric)
    kept = np.ones(len(data), bool)
    ids, ds = data["series_id"].astype(str).to_numpy(), plain_dates(data["ds"]).to_numpy()
    for one, where in task.cut:
        rows = np.flatnonzero(ids == one.series_id)
        kept[rows] = task.panel.calendar.positions(ds[rows], one.ds[0]) < where.scored[0]
    return data[kept].reset_index(drop=True)


def _part(tell: Progress, start: float, share: float, text: str) -> Done:
    def done(of_part: float) -> None:
        tell(start + share * of_part, f"{text}: {of_part:.0%}")

    return done


def _outcome(task: Task, family: Family[Any, Any], recipe: Recipe, done: Done) -> Outcome:
    started = time.perf_counter()
    panel = Panel(task.panel.calendar, tuple(one for one, _ in task.cut))
    origins = [where.calibrating + where.scored for _, where in task.cut]
    algorithm, config = family.algorithm(recipe.algorithm), family.config(recipe)
    folds = rolled(panel, origins, task.horizon, algorithm, config, done).folds
    cut = [(one, where, own) for (one, where), own in zip(task.cut, folds, strict=True)]
    calibration = calibrate([fold for _, where, own in cut for fold in own[: len(where.calibrating)]])
    forecasts = [
        _look(task, one, where, fold, calibration) for one, where, own in cut for fold in own[len(where.calibrating) :]
    ]
    by_series, left_out = scored.per_series(forecasts)
    metrics = {task.metric.name: scored.mean(by_series), **scored.summary(forecasts)}
    return Outcome(forecasts, by_series, left_out, metrics, time.perf_counter() - started)


def _look(task: Task, series: Series, where: Plan, fold: Fold, calibration: Calibration) -> Scored:
    future = series.cut(fold.origin, fold.origin + task.horizon)
    forecast = fold.fit.forecast(
        future.ds, future.regressors, conformal=calibration.conformal, level=LEVEL, carried=calibration.carry
    )
    scale = task.metric.scale(series.y[: fold.origin], where.season)
    told = scale > 0 and np.isfinite(future.y).any()
    score = task.metric.score(future.y, forecast.yhat, scale) if told else float("nan")
    return Scored(series.series_id, series.unit, future.ds, future.y, forecast, scale, score)


def _evaluation(
    task: Task, family: Family[Any, Any], recipe: Recipe, ours: Outcome, naive: dict[str, Outcome], source: str
) -> RollingEvaluation:
    tail = 6 * task.horizon
    return RollingEvaluation(
        model=family.name,
        algorithm=recipe.algorithm,
        data=source,
        protocol=task.to_json(NAME),
        metrics=ours.metrics,
        baselines={name: one.metrics for name, one in naive.items()},
        n=int(sum(np.isfinite(one.actual).sum() for one in ours.forecasts)),
        seconds=ours.seconds,
        primary=task.metric.name,
        better="lower",
        unit_ids=np.array([one.series_id for one, _ in task.cut]),
        unit_scores={name: one.by_series for name, one in naive.items()} | {recipe.algorithm: ours.by_series},
        slices=_slices(ours, naive),
        notes=_notes(task, ours),
        unit="series",
        forecasts=tuple(ours.forecasts),
        past={one.series_id: (one.ds[-tail:], one.y[-tail:]) for one in task.panel.series},
    )


def _slices(ours: Outcome, naive: dict[str, Outcome]) -> tuple[Slice, ...]:
    """The metric over the series of each origin."""
    theirs = {name: scored.by_origin(one.forecasts) for name, one in naive.items()}
    return tuple(
        Slice(
            f"origin: {day}",
            len(values),
            float(np.mean(values)),
            {name: float(np.mean(days[day])) for name, days in theirs.items() if day in days},
        )
        for day, values in scored.by_origin(ours.forecasts).items()
    )


def _notes(task: Task, ours: Outcome) -> dict[str, Any]:
    units = scored.wape_by_unit(ours.forecasts)
    shares = scored.coverage_by_step(ours.forecasts)
    return {
        "series": {
            "scored": len(ours.by_series),
            "too_short": len(task.plans) - len(task.cut),
            "without_values": len(task.panel.left_out),
        },
        "origins": {"scored": len(ours.forecasts), "zero_scale_left_out": ours.left_out},
        "coverage_by_step": {str(step + 1): round(float(share), 4) for step, share in enumerate(shares)},
        **({"wape_by_unit": units} if len(units) > 1 else {}),
    }
