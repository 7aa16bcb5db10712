"""What past windows teach a panel: which residual level to carry, and how wide intervals have to be."""

from collections.abc import Sequence
from typing import NamedTuple

from models.forecasting import carry, intervals
from models.forecasting.folds import Fold


class Calibration(NamedTuple):
    """Chosen on windows that end before anything that is forecast with it."""

    carry: carry.Carry
    conformal: intervals.Conformal


def calibrate(windows: Sequence[Fold]) -> Calibration:
    """Choose the carry, then calibrate intervals around the forecasts with it; all windows share one distribution.

    Args:
        windows: Folds of any series, each with its own spread and link.
    """
    trials = [carry.Trial(one.expected, one.fit.levels, one.actual, one.fit.spread) for one in windows]
    chosen = carry.choose(trials)
    shifted = [
        intervals.Window(one.expected + chosen.over(one.levels, one.expected.size), one.actual, one.spread)
        for one in trials
    ]
    return Calibration(chosen, intervals.calibrate(shifted))
