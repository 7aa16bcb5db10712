"""The gate: whether a challenger may stand for promotion, decided on figures and said in words."""

from dataclasses import dataclass, field

import numpy as np

from models.evaluation import Evaluation, Interval, paired_bootstrap
from registry.errors import NotComparable

MIN_UNITS = 2
"""An interval over a single unit is no interval."""


@dataclass(frozen=True)
class Decision:
    """Whether the gate is passed, and why.

    Attributes:
        passed: The challenger may carry the alias `challenger`.
        reasons: One sentence per comparison, with figures.
        comparisons: Gain over the baseline and over `champion`, positive is better, with the paired interval.
        margin: Share of the champion's score by which the challenger may be worse.
        warnings: What a person should look at; it fails no gate.
    """

    passed: bool
    reasons: list[str]
    comparisons: dict[str, Interval]
    margin: float = 0.0
    warnings: list[str] = field(default_factory=list)

    def tags(self) -> dict[str, str]:
        """What is written on the run and on the version."""
        gains = {f"gate.gain_over_{name}": _gain(gain) for name, gain in self.comparisons.items()}
        warned = {"gate.warnings": "; ".join(self.warnings)} if self.warnings else {}
        return {
            "gate": "passed" if self.passed else "failed",
            "gate.reasons": "; ".join(self.reasons),
            "gate.margin": f"{self.margin:g}",
            **gains,
            **warned,
        }


def decide(
    challenger: Evaluation, champion: Evaluation | None, baseline: str, margin: float, *, seed: int = 0
) -> Decision:
    """Hold the challenger against the naive baseline and against the champion's recipe on the same units.

    It passes if it beats the baseline with the whole 95 % interval above 0, and if the whole interval of its
    difference to the champion lies above minus `margin` times the champion's score: it is shown to be no worse than
    that. A unit (user, series, image) that it could not score although the other side could fails the gate.

    Args:
        challenger: The evaluation of the version to be.
        champion: The champion's recipe refitted on the same train split; None where nothing serves yet.
        baseline: Name of the naive baseline, a key of `challenger.unit_scores`.
        margin: Share of the champion's mean score by which the challenger may be worse, 0 or more.
        seed: Seed of the bootstrap.

    Raises:
        NotComparable: The champion was scored on other units or by another metric, or the baseline not at all.
        ValueError: The margin is negative or not finite.
    """
    if not 0 <= margin < float("inf"):
        raise ValueError(f"the margin is a share of 0 or more, not {margin}")
    if baseline not in challenger.unit_scores:
        raise NotComparable(f"{challenger.algorithm} was not compared with {baseline}; the same run has to score both")
    ours = challenger.unit_scores[challenger.algorithm]
    verdicts = [_against(challenger, ours, baseline, challenger.unit_scores[baseline], None, seed)]
    names = [baseline]
    if champion is not None:
        verdicts.append(_against(challenger, ours, "champion", _champion_scores(challenger, champion), margin, seed))
        names.append("champion")
    reasons = [reason for _, reason, _ in verdicts] + (["there is no champion yet"] if champion is None else [])
    passed = all(holds for holds, _, _ in verdicts)
    comparisons = {name: gain for name, (_, _, gain) in zip(names, verdicts, strict=True)}
    return Decision(passed, reasons, comparisons, margin, _slice_warnings(challenger, baseline))


def _against(
    evaluation: Evaluation, ours: np.ndarray, name: str, theirs: np.ndarray, margin: float | None, seed: int
) -> tuple[bool, str, Interval]:
    """Whether `ours` holds against `theirs`, why, and the gain; `margin` None asks for a gain above 0."""
    sign = 1.0 if evaluation.better == "higher" else -1.0
    gain = paired_bootstrap(sign * ours, sign * theirs, seed=seed)
    both = np.isfinite(ours) & np.isfinite(theirs)
    if missed := int((np.isfinite(theirs) & ~np.isfinite(ours)).sum()):
        return False, f"it has no score on {missed} of {len(ours)} units that {name} has one on", gain
    if both.sum() < MIN_UNITS:
        return False, f"only {both.sum()} unit(s) could be compared with {name}; at least {MIN_UNITS} are needed", gain
    mean, other = float(ours[both].mean()), float(theirs[both].mean())
    figures = f"{evaluation.primary} {mean:.4g} against {other:.4g} of {name}, gain {_gain(gain)}"
    if margin is None:
        return gain.low > 0, f"{figures}: {'better' if gain.low > 0 else f'not shown to be better than {name}'}", gain
    floor = -margin * abs(other)
    holds = gain.low >= floor - 1e-12
    word = f"no worse than the margin of {margin:.2g} allows ({floor:+.4g})"
    return holds, f"{figures}: {'' if holds else 'not shown to be '}{word}", gain


def _champion_scores(challenger: Evaluation, champion: Evaluation) -> np.ndarray:
    """The champion's unit scores in the challenger's order."""
    if (champion.primary, champion.better) != (challenger.primary, challenger.better):
        raise NotComparable(f"the champion was scored by {champion.primary}, the challenger by {challenger.primary}")
    scores = champion.unit_scores[champion.algorithm]
    if np.array_equal(champion.unit_ids, challenger.unit_ids):
        return scores
    position = {unit: place for place, unit in enumerate(champion.unit_ids.tolist())}
    wanted = challenger.unit_ids.tolist()
    if len(position) != len(scores) or set(position) != set(wanted) or len(wanted) != len(scores):
        raise NotComparable(
            f"the champion was scored on {len(scores)} units and the challenger on {len(wanted)}, not the same ones; "
            "refit the champion's recipe on the challenger's split"
        )
    return scores[[position[unit] for unit in wanted]]


def _slice_warnings(evaluation: Evaluation, baseline: str) -> list[str]:
    """The slices on which the baseline does better."""
    sign = 1.0 if evaluation.better == "higher" else -1.0
    found = []
    for name, part in evaluation.slices.items():
        ours, theirs = slice_scores(part, evaluation.primary, baseline)
        if ours is not None and theirs is not None and sign * (ours - theirs) < 0:
            found.append(f"{name}: {evaluation.primary} {ours:.4g} against {theirs:.4g} of {baseline} (n {part['n']})")
    return found


def slice_scores(part: dict[str, object], primary: str, baseline: str) -> tuple[float | None, float | None]:
    """A slice's own score and the baseline's, None where it does not say.

    >>> slice_scores({"n": 3, "metric": 0.5, "baselines": {"popularity": 0.4}}, "ndcg@10", "popularity")
    (0.5, 0.4)
    >>> slice_scores({"n": 3, "ndcg@10": 0.5, "popularity_ndcg@10": 0.4}, "ndcg@10", "popularity")
    (0.5, 0.4)
    """
    baselines = part.get("baselines")
    theirs = baselines.get(baseline) if isinstance(baselines, dict) else part.get(f"{baseline}_{primary}")
    return _number(part.get(primary, part.get("metric"))), _number(theirs)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _gain(gain: Interval) -> str:
    return f"{gain.mid:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}]"
