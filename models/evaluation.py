"""What an evaluation says, and how sure one can be that one model beats another."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel

Scores = dict[str, float]


class Recipe(BaseModel, frozen=True, extra="forbid"):
    """An algorithm and its hyperparameters: all that is needed to fit the same model again."""

    algorithm: str
    params: dict[str, Any] = {}


class Interval(NamedTuple):
    """A mean and the bounds of its confidence interval."""

    low: float
    mid: float
    high: float


def paired_bootstrap(
    ours: np.ndarray, theirs: np.ndarray, *, n_boot: int = 2000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Percentile interval of the mean difference `ours - theirs` over paired units.

    Args:
        ours: Score of each unit (user, series, image), shape (n_units,). NaN pairs are left out.
        theirs: The other side's scores of the same units in the same order, shape (n_units,).
        n_boot: Resamples of the units.
        level: Coverage of the interval, between 0 and 1.
        seed: Seed of the resampling.

    Returns:
        The mean difference with its interval, in the scores' unit; NaN throughout where no pair is finite.

    Raises:
        ValueError: The two arrays differ in shape.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13.

    >>> paired_bootstrap(np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    Interval(low=1.0, mid=1.0, high=1.0)
    """
    if np.shape(ours) != np.shape(theirs):
        raise ValueError(f"paired scores differ in shape: {np.shape(ours)} and {np.shape(theirs)}")
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    difference = difference[np.isfinite(difference)]
    if difference.size == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(_resampled_means(difference, n_boot, seed), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(difference.mean()), float(high))


def _resampled_means(values: np.ndarray, n_boot: int, seed: int, chunk: int = 200) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sizes = [min(chunk, n_boot - start) for start in range(0, n_boot, chunk)]
    return np.concatenate([values[rng.integers(0, values.size, (size, values.size))].mean(axis=1) for size in sizes])


@dataclass(frozen=True)
class Evaluation:
    """One algorithm under one protocol, with the baselines of the same run.

    `unit_scores` holds the primary metric per unit (user, series, image) for the algorithm under its own name and for
    each baseline under its name, all aligned with `unit_ids`, so that any two can be compared pairwise.
    """

    model: str
    algorithm: str
    data: str
    protocol: dict[str, Any]
    metrics: Scores
    baselines: dict[str, Scores]
    n: int
    seconds: float
    primary: str
    better: Literal["higher", "lower"]
    unit_ids: np.ndarray = field(repr=False)
    unit_scores: dict[str, np.ndarray] = field(repr=False)
    slices: dict[str, dict[str, Any]] = field(default_factory=dict)

    def gain_over(self, baseline: str, *, seed: int = 0) -> Interval:
        """How much better than `baseline` on the primary metric, positive is better whatever its direction."""
        sign = 1.0 if self.better == "higher" else -1.0
        return paired_bootstrap(sign * self.unit_scores[self.algorithm], sign * self.unit_scores[baseline], seed=seed)

    @property
    def beats(self) -> dict[str, Interval]:
        """The gain over every baseline, each with its paired interval."""
        return {name: self.gain_over(name) for name in self.baselines if name in self.unit_scores}

    def to_json(self) -> dict[str, Any]:
        """The document that `agro evaluate --json` prints for one algorithm."""
        return {
            "model": self.model,
            "algorithm": self.algorithm,
            "data": self.data,
            "protocol": self.protocol,
            "metrics": self.metrics,
            "baselines": self.baselines,
            "n": self.n,
            "seconds": round(self.seconds, 3),
            "beats": {name: dict(gain._asdict()) for name, gain in self.beats.items()},
            **({"slices": self.slices} if self.slices else {}),
        }
