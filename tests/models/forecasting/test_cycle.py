import numpy as np

from models.forecasting import cycle
from models.forecasting.panel import Series


def series(y) -> Series:
    return Series("a", np.arange(len(y)).astype("datetime64[D]").astype("datetime64[s]"), np.array(y, dtype=float))


def steps(n: int) -> np.ndarray:
    return np.arange(n).astype("datetime64[D]").astype("datetime64[s]")


def test_the_last_season_is_repeated():
    repeated, _ = cycle.fit(series([1, 2, 3, 4, 5, 6]), 3)
    assert repeated.expect(steps(5), {}).tolist() == [4, 5, 6, 4, 5]


def test_a_gap_takes_the_value_one_season_earlier():
    repeated, _ = cycle.fit(series([1, 2, 3, 4, np.nan, 6]), 3)
    assert repeated.expect(steps(3), {}).tolist() == [4, 2, 6]


def test_less_than_two_seasons_repeat_the_last_value():
    repeated, _ = cycle.fit(series([1, 2, 3, 4, 5]), 3)
    assert repeated.algorithm == "naive"
    assert repeated.expect(steps(2), {}).tolist() == [5, 5]


def test_one_observation_is_enough():
    repeated, residuals = cycle.fit(series([np.nan, 7]), 1)
    assert repeated.expect(steps(2), {}).tolist() == [7, 7]
    assert np.isnan(residuals).all()
