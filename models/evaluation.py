"""What an evaluation says, and how sure one can be that one model beats another."""

from collections.abc import Sequence
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


class RefitNoise(NamedTuple):
    """How far the primary metric moves when the same recipe is fitted again with another seed."""

    sd: float
    """Standard deviation between refits, in the metric's unit."""
    refits: int
    """So many refits it was measured with, 2 or more."""


class Slice(NamedTuple):
    """The primary metric over a part of the units.

    Attributes:
        name: What the part is; parts of one kind begin alike, as `label: rust` does.
        n: How many units, or parts of units, the score is of.
        score: The algorithm's.
        baselines: The same of each baseline that was scored on it.
    """

    name: str
    n: int
    score: float
    baselines: Scores


class Checks(NamedTuple):
    """What a family finds in an evaluation beyond its primary metric: what must not serve, what a person should see."""

    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def paired_bootstrap(
    ours: np.ndarray,
    theirs: np.ndarray,
    *,
    clusters: np.ndarray | None = None,
    n_boot: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Expanded percentile interval of the mean difference `ours - theirs` over paired units.

    A plain percentile interval of n units is too narrow by about the ratio of the normal's quantile to Student's: with
    25 units it is wrong on one side in more than 3 % of the cases instead of 2.5 %. Its quantiles are moved outwards
    accordingly.

    Args:
        ours: Score of each unit (user, series, image), shape (n_units,). NaN pairs are left out.
        theirs: The other side's scores of the same units in the same order, shape (n_units,).
        clusters: What each unit belongs to, shape (n_units,), where units that belong together are not independent of
            each other: whole clusters are resampled. None: every unit by itself.
        n_boot: Resamples of the units.
        level: Coverage of the interval, between 0 and 1.
        seed: Seed of the resampling.

    Returns:
        The mean difference with its interval, in the scores' unit; NaN throughout where no pair is finite.

    Raises:
        ValueError: The two arrays differ in shape.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13; Hesterberg, What Teachers Should Know
    about the Bootstrap, The American Statistician 69 (2015), s. 5.3 (expanded percentile interval).

    >>> paired_bootstrap(np.array([2.0, 2.0]), np.array([1.0, 1.0]))
    Interval(low=1.0, mid=1.0, high=1.0)
    """
    if np.shape(ours) != np.shape(theirs):
        raise ValueError(f"paired scores differ in shape: {np.shape(ours)} and {np.shape(theirs)}")
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    seen = np.isfinite(difference)
    if not seen.any():
        return Interval(float("nan"), float("nan"), float("nan"))
    sums, sizes = _by_cluster(difference[seen], None if clusters is None else np.asarray(clusters)[seen])
    tail = _expanded((1 - level) / 2, len(sums))
    low, high = np.quantile(_resampled_means(sums, sizes, n_boot, seed), [tail, 1 - tail])
    return Interval(float(low), float(difference[seen].mean()), float(high))


def _by_cluster(values: np.ndarray, clusters: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Sum and size of each cluster; the values themselves and None where every unit stands for itself."""
    if clusters is None:
        return values, None
    _, place = np.unique(clusters, return_inverse=True)
    return np.bincount(place, weights=values), np.bincount(place).astype(float)


def _expanded(tail: float, n: int) -> float:
    """The tail of the normal distribution that Student's quantile of n units stands at."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(n - 1, tail))) if n > 1 else 0.0


def _resampled_means(
    sums: np.ndarray, sizes: np.ndarray | None, n_boot: int, seed: int, chunk: int = 200
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = []
    for start in range(0, n_boot, chunk):
        drawn = rng.integers(0, sums.size, (min(chunk, n_boot - start), sums.size))
        found.append(sums[drawn].mean(axis=1) if sizes is None else sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return np.concatenate(found)


def widened(interval: Interval, *noises: RefitNoise | None, level: float = 0.95) -> Interval:
    """The interval of a difference of two fits with the luck of both fits in it.

    Refits vary independently of which units are drawn, so the two half-widths add as squares. The standard deviations
    are estimated from few refits each, hence Student's quantile.

    Args:
        interval: Over units.
        noises: Of each side of the difference; None where it has none or nobody measured it.
        level: Coverage of the interval.

    >>> widened(Interval(-3.0, 0.0, 3.0), None)
    Interval(low=-3.0, mid=0.0, high=3.0)
    """
    from scipy.special import stdtrit

    known = [noise for noise in noises if noise is not None and noise.sd > 0]
    if not known:
        return interval
    freedom = sum(noise.refits - 1 for noise in known)
    half = float(-stdtrit(freedom, (1 - level) / 2) * np.sqrt(sum(noise.sd**2 for noise in known)))
    low, mid, high = interval
    return Interval(mid - float(np.hypot(mid - low, half)), mid, mid + float(np.hypot(high - mid, half)))


def refit_noise(evaluations: "Sequence[Evaluation]") -> RefitNoise | None:
    """The spread of the primary metric over evaluations of one recipe under several seeds; None from fewer than two."""
    if len(evaluations) < 2:
        return None
    means = [float(np.nanmean(one.unit_scores[one.algorithm])) for one in evaluations]
    return RefitNoise(float(np.std(means, ddof=1)), len(means))


@dataclass(frozen=True)
class Evaluation:
    """One algorithm under one protocol, with the baselines of the same run.

    `unit_scores` holds the primary metric per unit (user, series, image) for the algorithm under its own name and for
    each baseline under its name, all aligned with `unit_ids`, so that any two can be compared pairwise.

    `slices` holds the primary metric of parts of the units, `notes` what else there is to tell: plain types by name.

    `clusters` says which units belong together (photographs of one leaf), aligned with `unit_ids`; None where each
    stands for itself. `unit` is what a unit is called. `falls_back_to` is the baseline whose answers the algorithm
    gives because its own validation found nothing better. `refit_noise` is None where nobody measured it.
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
    slices: tuple[Slice, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    clusters: np.ndarray | None = field(default=None, repr=False)
    unit: str = "units"
    falls_back_to: str | None = None
    refit_noise: RefitNoise | None = None

    @property
    def sign(self) -> float:
        """1 where more is better, else -1."""
        return 1.0 if self.better == "higher" else -1.0

    @property
    def ours(self) -> np.ndarray:
        """The algorithm's own score of each unit, shape (n_units,)."""
        return self.unit_scores[self.algorithm]

    @property
    def strongest(self) -> str | None:
        """The naive baseline with the best mean score over the units; None where none was scored."""
        scores = {name: self.unit_scores[name] for name in self.baselines if name in self.unit_scores}
        seen = {name: one[np.isfinite(one)] for name, one in scores.items()}
        means = {name: self.sign * float(one.mean()) if one.size else -np.inf for name, one in seen.items()}
        return max(means, key=lambda name: means[name]) if means else None

    @property
    def behind(self) -> list[Slice]:
        """The slices on which the strongest baseline does better."""
        return [one for one in self.slices if self._lead(one) < 0]

    def _lead(self, part: Slice) -> float:
        """How far ahead of the strongest baseline a slice is; not behind where that was not scored on it."""
        theirs = part.baselines.get(self.strongest or "", float("nan"))
        return self.sign * (part.score - theirs)

    def gain_over(self, baseline: str, *, seed: int = 0) -> Interval:
        """How much better than `baseline` on the primary metric, positive is better whatever its direction."""
        theirs = self.unit_scores[baseline]
        return paired_bootstrap(self.sign * self.ours, self.sign * theirs, clusters=self.clusters, seed=seed)

    def score(self, *, seed: int = 0) -> Interval:
        """The primary metric's mean over units with its interval."""
        return paired_bootstrap(self.ours, np.zeros(len(self.ours)), clusters=self.clusters, seed=seed)

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
            "score": dict(self.score()._asdict()),
            "beats": {name: dict(gain._asdict()) for name, gain in self.beats.items()},
            **({"falls_back_to": self.falls_back_to} if self.falls_back_to else {}),
            **({"refit_noise": dict(self.refit_noise._asdict())} if self.refit_noise else {}),
            **({"slices": {one.name: _without_name(one) for one in self.slices}} if self.slices else {}),
            **({"notes": self.notes} if self.notes else {}),
        }


def _without_name(part: Slice) -> dict[str, Any]:
    return {"n": part.n, "score": part.score, "baselines": part.baselines}
