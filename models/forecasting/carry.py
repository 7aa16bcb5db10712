"""Let the level of the latest residuals carry on: what a smooth curve has just missed, it will miss for a while."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

WEIGHTS = (0.1, 0.2, 0.5, 0.8)
DAMPINGS = (0.8, 0.9, 0.95, 1.0)


class Carry(NamedTuple):
    """Which smoothed level is carried (an index into WEIGHTS) and how it fades with each step; −1 carries nothing."""

    weight: int = -1
    damping: float = 0.0

    def over(self, levels: np.ndarray, steps: int) -> np.ndarray:
        """What to add to each of the next `steps` steps, shape (steps,).

        >>> Carry(0, 0.5).over(np.array([8.0]), 3)
        array([4., 2., 1.])
        """
        if self.weight < 0:
            return np.zeros(steps)
        return np.asarray(levels[self.weight] * self.damping ** np.arange(1, steps + 1))


def levels(residuals: np.ndarray) -> np.ndarray:
    """Exponentially smoothed level of the residuals for each of WEIGHTS, starting from 0; gaps are passed over."""
    seen = residuals[np.isfinite(residuals)]
    ages = np.arange(seen.size)[::-1]
    return np.array([float((weight * (1 - weight) ** ages * seen).sum()) for weight in WEIGHTS])


class Trial(NamedTuple):
    """A past window: what the curve expected, the residual levels before it, what came, and the series' spread."""

    expected: np.ndarray
    levels: np.ndarray
    actual: np.ndarray
    spread: float


def choose(trials: Sequence[Trial]) -> Carry:
    """The carry with the least mean scaled error over past windows; none where none helps."""
    told = [trial for trial in trials if trial.spread > 0 and np.isfinite(trial.actual).any()]
    if not told:
        return Carry()
    options = [Carry()] + [Carry(weight, damping) for weight in range(len(WEIGHTS)) for damping in DAMPINGS]
    return min(options, key=lambda carry: np.mean([_error(carry, trial) for trial in told]))


def _error(carry: Carry, trial: Trial) -> float:
    expected = trial.expected + carry.over(trial.levels, trial.actual.size)
    return float(np.nanmean(np.abs(trial.actual - expected)) / trial.spread)
