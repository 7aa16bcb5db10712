"""Pictures of a search, drawn with matplotlib."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.drawing import GREEN, GREY, axes_of
from registry.searches import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 15


def draw(
    trials: Sequence[Trial], importances: Mapping[str, float], metric: str, better: Literal["higher", "lower"]
) -> "dict[str, Figure]":
    """The scores in the order of the trials and, where it is known, what mattered."""
    figures = {"optimisation_history.png": _history(trials, metric, better)}
    return figures | ({"parameter_importances.png": _importances(importances, metric)} if importances else {})


def _history(trials: Sequence[Trial], metric: str, better: Literal["higher", "lower"]) -> "Figure":
    figure, axes = axes_of(f"{metric} on validation, trial by trial")
    done = [trial for trial in trials if trial.score is not None]
    numbers, scores = [trial.number for trial in done], np.array([trial.score for trial in done])
    best = np.maximum.accumulate(scores) if better == "higher" else np.minimum.accumulate(scores)
    axes.scatter(numbers, scores, s=14, color=GREY, label="trial")
    axes.step(numbers, best, where="post", color=GREEN, label="best so far")
    axes.axhline(scores[0], color="black", linewidth=1, linestyle=":", label="default")
    axes.set_xlabel("trial")
    axes.legend(frameon=False)
    return figure


def _importances(importances: Mapping[str, float], metric: str) -> "Figure":
    shown = sorted(importances.items(), key=lambda row: row[1])[-MOST_BARS:]
    figure, axes = axes_of(f"Share of the differences in {metric} that each explains")
    axes.barh([name for name, _ in shown], [share for _, share in shown], color=GREEN)
    return figure
