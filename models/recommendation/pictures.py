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
    figure, axes = axes_of("NDCG@10 by slice, beside popularity")
    names = list(evaluation.slices)
    place = np.arange(len(names))
    axes.bar(
        place - 0.2, [evaluation.slices[n]["ndcg@10"] for n in names], 0.4, color=GREEN, label=evaluation.algorithm
    )
    axes.bar(
        place + 0.2, [evaluation.slices[n]["popularity_ndcg@10"] for n in names], 0.4, color=GREY, label="popularity"
    )
    axes.set_xticks(place, [f"{n}\n(n = {evaluation.slices[n]['n']})" for n in names])
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
