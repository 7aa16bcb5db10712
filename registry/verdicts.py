"""The gate's two comparisons, each with its word and a sentence that a person can act on."""

from typing import Literal, NamedTuple

import numpy as np

from models.bootstrap import Interval, paired_bootstrap, widened
from models.evaluation import Evaluation
from registry.errors import NotComparable

Outcome = Literal["passed", "failed", "cannot tell"]
MIN_UNITS = 20
"""Independent units (users, series, clusters of photographs) below which figures are luck."""
_SLACK = 1e-12
_RETRY = "try another algorithm or `agro tune`"
_THEIRS = "the champion's recipe refitted on the same rows"


class Verdict(NamedTuple):
    """One comparison: what it says for the gate, in words, and the gain."""

    outcome: Outcome
    reason: str
    gain: Interval


def falls_back(evaluation: Evaluation, baseline: str) -> bool:
    """Whether it says that it answers as this baseline does, and really does on every unit."""
    theirs = evaluation.unit_scores[baseline]
    return evaluation.falls_back_to == baseline and bool(np.array_equal(evaluation.ours, theirs, equal_nan=True))


def against_baseline(challenger: Evaluation, name: str, seed: int) -> Verdict:
    """Whether the challenger is surely better than a naive baseline."""
    ours, theirs = challenger.ours, challenger.unit_scores[name]
    gain = widened(challenger.gain_over(name, seed=seed), challenger.refit_noise)
    who = f"{name}, the strongest of {_count(len(challenger.baselines), 'naive baseline')}"
    figures = _figures(challenger, ours, theirs, gain)
    if missed := _missed(challenger, ours, theirs, name):
        return Verdict("failed", missed, gain)
    if falls_back(challenger, name):
        return Verdict("passed", f"as good as {who}, to which it falls back on these data: {figures}", gain)
    if np.array_equal(ours, theirs, equal_nan=True):
        return Verdict("failed", f"it scores on every unit what {who}, scores: nothing is gained; {_RETRY}", gain)
    if few := _too_few(challenger, ours, theirs):
        return Verdict("cannot tell", f"cannot tell whether it is better than {who}: {few}; {figures}", gain)
    if gain.low > 0:
        return Verdict("passed", f"better than {who}: {figures}", gain)
    word = "worse than" if gain.high < 0 else "no clear difference to"
    return Verdict("failed", f"{word} {who}: {figures}; {_RETRY}", gain)


def against_champion(
    challenger: Evaluation, champion: Evaluation, margin: float, same_recipe: bool, seed: int
) -> Verdict:
    """Whether the challenger is surely not worse than the champion's recipe by more than the margin."""
    ours, theirs = challenger.ours, _aligned(challenger, champion)
    sign = challenger.sign
    units = paired_bootstrap(sign * ours, sign * theirs, clusters=challenger.clusters, seed=seed)
    if same_recipe:
        return Verdict("passed", "the same recipe as the champion's: fitted on the same rows, the two tie", units)
    gain = widened(units, challenger.refit_noise, champion.refit_noise)
    figures = _figures(challenger, ours, theirs, gain)
    if missed := _missed(challenger, ours, theirs, "the champion's recipe"):
        return Verdict("failed", missed, gain)
    if few := _too_few(challenger, ours, theirs):
        return Verdict("cannot tell", f"cannot tell whether it is as good as {_THEIRS}: {few}; {figures}", gain)
    lowest = -margin * abs(float(np.nanmean(theirs[np.isfinite(ours)])))
    outcome, word, next_step = _beside_champion(gain, lowest, challenger)
    return Verdict(outcome, f"{word} {_THEIRS}: {figures}{next_step}", gain)


def _beside_champion(gain: Interval, lowest: float, challenger: Evaluation) -> tuple[Outcome, str, str]:
    """The outcome, the word for it, and what to do; `lowest` is the gain that the margin still allows."""
    if gain.low > 0:
        return "passed", "better than", ""
    if gain.low >= lowest - _SLACK:
        word = "slightly worse than" if gain.high < 0 else "no clear difference to"
        return "passed", word, f"; no more than the margin of {lowest:+.3g} is given away"
    if gain.high < 0:
        return "failed", "worse than", "; keep the champion"
    unsure = f"; it may be worse by more than the margin of {lowest:+.3g}: {_person(challenger)}"
    return "cannot tell", "no clear difference to", unsure


def _aligned(challenger: Evaluation, champion: Evaluation) -> np.ndarray:
    """The champion's unit scores in the challenger's order."""
    if (champion.primary, champion.better) != (challenger.primary, challenger.better):
        raise NotComparable(f"the champion was scored by {champion.primary}, the challenger by {challenger.primary}")
    scores = champion.ours
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


def _missed(evaluation: Evaluation, ours: np.ndarray, theirs: np.ndarray, name: str) -> str:
    """What is wrong where it could not score a unit although the other side could; else empty."""
    if not np.isfinite(ours).any():
        return f"none of the {len(ours)} {evaluation.unit} could be scored; see why"
    missed = int((np.isfinite(theirs) & ~np.isfinite(ours)).sum())
    if not missed:
        return ""
    return f"it has no score on {missed} of {len(ours)} {evaluation.unit} that {name} has one on; see why"


def _too_few(evaluation: Evaluation, ours: np.ndarray, theirs: np.ndarray) -> str:
    """What to do where too few independent units were compared; else empty."""
    both = np.isfinite(ours) & np.isfinite(theirs)
    n = int(both.sum()) if evaluation.clusters is None else len(np.unique(evaluation.clusters[both]))
    if n >= MIN_UNITS:
        return ""
    kind = evaluation.unit if evaluation.clusters is None else f"clusters of {evaluation.unit}"
    return f"only {n} independent {kind} were compared, and {MIN_UNITS} are needed; {_person(evaluation)}"


def _person(evaluation: Evaluation) -> str:
    return f"test on more {evaluation.unit}, or look at the card and decide: `agro promote {evaluation.model} VERSION`"


def _figures(evaluation: Evaluation, ours: np.ndarray, theirs: np.ndarray, gain: Interval) -> str:
    both = np.isfinite(ours) & np.isfinite(theirs)
    if not both.any():
        return "no unit has a score on both sides"
    mean, other = float(ours[both].mean()), float(theirs[both].mean())
    better = "" if evaluation.better == "higher" else ", less is better"
    return (
        f"{evaluation.primary} {mean:.4g} against {other:.4g}{better}, gain {gain_text(gain)} "
        f"over {int(both.sum())} {evaluation.unit}"
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def gain_text(gain: Interval) -> str:
    """A gain with its interval."""
    return f"{gain.mid:+.4g} [{gain.low:+.4g}, {gain.high:+.4g}]"
