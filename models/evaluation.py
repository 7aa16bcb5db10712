"""What an evaluation says, and how sure one can be that one model beats another."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel

from models.bootstrap import Interval, RefitNoise, paired_bootstrap

Scores = dict[str, float]


class Recipe(BaseModel, frozen=True, extra="forbid"):
    """An algorithm and its hyperparameters: all that is needed to fit the same model again."""

    algorithm: str
    params: dict[str, Any] = {}


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
