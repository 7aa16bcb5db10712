"""What a person would look at: forecasts beside what came, errors against the baselines, coverage by step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation import Evaluation
from models.forecasting.scored import Scored, coverage_by_step
from models.rolling import RollingEvaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS, THEIRS, SEEN = "#1b7837", "#9970ab", "#333333"
SHOWN = 4


def draw(evaluation: Evaluation) -> "dict[str, Figure]":
    """Figures by file name; those of forecasts only where the evaluation kept its forecasts."""
    figures = {"mase.png": errors(evaluation)}
    if isinstance(evaluation, RollingEvaluation) and evaluation.forecasts:
        figures["forecasts.png"] = forecasts(evaluation)
        figures["coverage.png"] = coverage(evaluation.forecasts)
    return figures


def _figure(rows: int, height: float) -> tuple["Figure", Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), layout="constrained")
    return figure, figure.subplots(rows, 1, squeeze=False)[:, 0]


def errors(evaluation: Evaluation) -> "Figure":
    """Share of series at or below each MASE, ours and the baselines'."""
    figure, (axes,) = _figure(1, 4)
    for number, (name, scores) in enumerate(sorted(evaluation.unit_scores.items())):
        finite = np.sort(scores[np.isfinite(scores)])
        own = name == evaluation.algorithm
        label = f"{name} (mean {finite.mean():.3f})" if finite.size else name
        style = {"color": OURS, "lw": 2.5} if own else {"color": THEIRS, "lw": 1.5, "ls": ("--", ":", "-.")[number % 3]}
        axes.step(finite, np.arange(1, finite.size + 1) / max(finite.size, 1), where="post", label=label, **style)
    axes.set(xlabel="MASE of a series (lower is better)", ylabel="share of series", ylim=(0, 1.02))
    axes.set_title("Errors by series against the baselines")
    axes.legend(frameon=False)
    return figure


def forecasts(evaluation: RollingEvaluation) -> "Figure":
    """The last backtest of a few series, from the best forecast to the worst."""
    last = {one.series_id: one for one in evaluation.forecasts}
    order = np.argsort(np.nan_to_num(evaluation.unit_scores[evaluation.algorithm], nan=np.inf))
    ids = [str(evaluation.unit_ids[order[i]]) for i in np.unique(np.linspace(0, order.size - 1, SHOWN).astype(int))]
    figure, rows = _figure(len(ids), 2.2 * len(ids))
    for axes, series_id in zip(rows, ids, strict=True):
        one = last[series_id]
        ds, y = evaluation.past[series_id]
        axes.plot(ds, y, color=SEEN, lw=1, label="observed")
        axes.plot(one.ds, one.forecast.yhat, color=OURS, lw=2, label="forecast")
        axes.fill_between(one.ds, one.forecast.lower, one.forecast.upper, color=OURS, alpha=0.2, label="95 % interval")
        axes.set_title(series_id, loc="left", fontsize=10)
    rows[0].legend(frameon=False, ncols=3, fontsize=8)
    return figure


def coverage(scored: Sequence[Scored]) -> "Figure":
    """Share of the values inside their 95 % interval, by steps ahead."""
    figure, (axes,) = _figure(1, 3.2)
    shares = coverage_by_step(scored)
    axes.bar(np.arange(1, shares.size + 1), shares, color=OURS, alpha=0.7)
    axes.axhline(0.95, color=SEEN, lw=1, ls="--")
    axes.set(xlabel="steps ahead", ylabel="inside the interval", ylim=(min(0.5, float(shares.min())), 1.0))
    axes.set_title("Coverage of the 95 % interval by step (dashed: asked for)")
    return figure
