import numpy as np
import pandas as pd
import pytest

from models import rolling
from models.evaluation import Recipe
from models.forecasting.family import FAMILY as family
from models.forecasting.intervals import Conformal, Window, calibrate, grown


def test_nineteen_errors_give_ninety_per_cent_by_their_first_and_last():
    lower, upper = Conformal(np.arange(-9.0, 10.0)).offsets(0.9, np.array([1]))
    assert (lower[0], upper[0]) == (-9.0, 9.0)  # (19 + 1) · 0.05 = 1st, (19 + 1) · 0.95 = 19th


def test_half_of_seven_errors_lies_between_the_second_and_the_sixth():
    lower, upper = Conformal(np.array([-7.0, -3.0, -1.0, 0.0, 1.0, 2.0, 9.0])).offsets(0.5, np.array([1]))
    assert (lower[0], upper[0]) == (-3.0, 2.0)  # 8 · 0.25 = 2nd, 8 · 0.75 = 6th


def test_a_level_beyond_what_the_errors_can_vouch_for_takes_the_extremes():
    few = Conformal(np.array([-1.0, 0.0, 2.0]))
    assert few.finest_level == 0.5
    lower, upper = few.offsets(0.99, np.array([1]))
    assert (lower[0], upper[0]) == (-1.0, 2.0)


def test_errors_are_counted_in_units_of_each_series_spread():
    windows = [Window(np.zeros(1), np.array([10.0]), 10.0), Window(np.zeros(1), np.array([-3.0]), 1.0)]
    assert calibrate(windows).residuals.tolist() == [-3.0, 1.0]


def test_windows_without_spread_or_values_say_nothing():
    silent = [Window(np.zeros(2), np.ones(2), 0.0), Window(np.zeros(2), np.full(2, np.nan), 1.0)]
    assert calibrate(silent).residuals.tolist() == [0.0]


def test_errors_that_grow_like_a_square_root_are_found_and_grow_on():
    rng = np.random.default_rng(0)
    walks = [Window(np.zeros(10), np.cumsum(rng.normal(size=10)), 1.0) for _ in range(600)]
    conformal = calibrate(walks)
    assert conformal.power == pytest.approx(0.5, abs=0.05)
    assert grown(np.array([40]), 0.0, 10)[0] == 2.0  # four times the calibrated horizon


def noise(n_series: int, n_days: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    days = pd.date_range("2024-01-01", periods=n_days, freq="D")
    parts = [
        pd.DataFrame({"series_id": f"s{i}", "ds": days, "y": rng.normal(0, 1 + i, n_days)}) for i in range(n_series)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_the_measured_coverage_is_the_level_asked_for(level, monkeypatch):
    """Guards P21."""
    monkeypatch.setattr(rolling, "LEVEL", level)
    evaluation = family.evaluate(noise(20, 200), [Recipe(algorithm="seasonal_naive")])[0]
    assert evaluation.metrics["coverage@95"] == pytest.approx(level, abs=0.03)
