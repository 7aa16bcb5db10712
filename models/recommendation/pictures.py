"""Pictures of an evaluation and of a model, drawn with matplotlib."""

from typing import TYPE_CHECKING

import numpy as np

from models.drawing import GREEN, GREY, axes_of
from models.evaluation import Evaluation
from models.recommendation.recommender import Recommender

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(evaluation: Evaluation, model: Recommender) -> "dict[str, Figure]":
    """Bars of NDCG@10, bars per slice, the gain per user, and the catalogue's popularity."""
    return {
        "ndcg.png": _bars(evaluation),
        "slices.png": _slices(evaluation),
        "gain_per_user.png": _gains(evaluation),
        "popularity.png": _catalogue(model),
    }


def _bars(evaluation: Evaluation) -> "Figure":
    figure, axes = axes_of(f"NDCG@10 of {evaluation.n} test users")
    values = {evaluation.algorithm: evaluation.metrics, **evaluation.baselines}
    heights = [scores["ndcg@10"] for scores in values.values()]
    axes.barh(list(values), heights, color=[GREEN] + [GREY] * (len(values) - 1))
    for at, height in enumerate(heights):
        axes.text(height, at, f" {height:.4f}", va="center")
    axes.invert_yaxis()
    return figure


def _slices(evaluation: Evaluation) -> "Figure":
    """Each slice beside its baselines."""
    figure, axes = axes_of("NDCG@10 by slice, beside the baselines")
    names = [evaluation.algorithm, *evaluation.baselines]
    width = 0.8 / len(names)
    for at, name in enumerate(names):
        heights = [one.baselines.get(name, np.nan) if at else one.score for one in evaluation.slices]
        place = np.arange(len(heights)) + at * width
        axes.bar(place, heights, width, color=GREEN if not at else GREY, alpha=1 - 0.25 * max(at - 1, 0), label=name)
    ticks = np.arange(len(evaluation.slices)) + width * (len(names) - 1) / 2
    axes.set_xticks(ticks, [f"{one.name}\n(n = {one.n})" for one in evaluation.slices])
    axes.legend(frameon=False)
    return figure


def _gains(evaluation: Evaluation) -> "Figure":
    figure, axes = axes_of("Gain over popularity per user (NDCG@10)")
    gain = evaluation.unit_scores[evaluation.algorithm] - evaluation.unit_scores["popularity"]
    axes.hist(gain, bins=41, range=(-1, 1), color=GREEN)
    axes.axvline(gain.mean(), color="black", linewidth=1)
    axes.set_xlabel(f"difference (mean {gain.mean():+.4f})")
    axes.set_ylabel("users")
    return figure


def _catalogue(model: Recommender) -> "Figure":
    figure, axes = axes_of("Buyers per item, most bought first")
    axes.loglog(np.arange(1, len(model.popular) + 1), np.maximum(np.sort(model.popular)[::-1], 0.5), color=GREEN)
    axes.set_xlabel("item rank")
    axes.set_ylabel("buyers")
    return figure
