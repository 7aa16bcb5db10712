"""The floor under a challenger: what the champion scored when it was registered.

A recipe that is compared with itself always ties, so a comparison alone would let a model through whose score falls
with every week. The two scores come from different rows; they are compared as unpaired means.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.bootstrap import Interval
from models.evaluation import Evaluation

_SAME = ("name", "horizon", "origins")
"""What two protocols must share for their scores to be compared."""
_Z = 1.96


def check(challenger: Evaluation, recorded: Mapping[str, Any], margin: float) -> tuple[list[str], list[str]]:
    """Failures and warnings for a score that surely fell below the champion's record by more than the margin.

    Where the gain over a naive baseline did not fall, the data have become harder for everybody: a warning. Where the
    baseline held and the model alone fell, the model or its data are broken: a failure.
    """
    then = (recorded.get("metrics") or {}).get(challenger.primary)
    if not isinstance(then, int | float) or not np.isfinite(then) or not _same_protocol(challenger, recorded):
        return [], []
    now = challenger.score()
    fell = challenger.sign * (then - now.mid)
    unsure = _unsure(now, recorded.get("score"), challenger)
    if not fell > unsure + margin * abs(then):
        return [], []
    told = (
        f"{challenger.primary} {now.mid:.4g} is worse than the {then:.4g} that the champion had when it was "
        f"registered, by more than the {unsure:.2g} of chance"
    )
    if _baseline_fell_too(challenger, recorded, margin * abs(then)):
        return [], [f"{told}; the naive baselines fell as well: the data have become harder (see `agro drift`)"]
    return [f"{told}, and the naive baselines held: look at the newest data (`agro drift`) before it serves"], []


def _same_protocol(challenger: Evaluation, recorded: Mapping[str, Any]) -> bool:
    before = recorded.get("protocol") or {}
    return all(before.get(key) == challenger.protocol.get(key) for key in _SAME)


def _baseline_fell_too(challenger: Evaluation, recorded: Mapping[str, Any], allowed: float) -> bool:
    """Whether the gain over today's strongest baseline is, but for chance, what it was."""
    name = challenger.strongest
    before = (recorded.get("beats") or {}).get(name)
    if name is None or not isinstance(before, Mapping) or before.get("mid") is None:
        return False
    now = challenger.gain_over(name)
    return float(before["mid"]) - now.mid <= _unsure(now, before, challenger) + allowed


def _unsure(now: Interval, before: Mapping[str, Any] | None, challenger: Evaluation) -> float:
    """Half-width of the difference of two unpaired means, each of another refit."""
    half = _half(now)
    other = _half(Interval(**before)) if before is not None and _whole(before) else half
    sd = challenger.refit_noise.sd if challenger.refit_noise else 0.0
    return float(np.hypot(np.hypot(half, other), _Z * np.sqrt(2) * sd))


def _whole(before: Mapping[str, Any]) -> bool:
    return all(isinstance(before.get(key), int | float) for key in Interval._fields)


def _half(interval: Interval) -> float:
    return (interval.high - interval.low) / 2
