import numpy as np
import pytest

from models.forecasting.metrics import covered, mase, seasonal_scale, wape


def test_mase_divides_the_mean_error_by_the_seasonal_change():
    y = np.array([1.0, 2.0, 3.0, 6.0])  # changes over two steps: 2 and 4, mean 3
    assert seasonal_scale(y, 2) == 3.0
    assert mase(np.array([4.0, 8.0]), np.array([1.0, 2.0]), 3.0) == 1.5  # errors 3 and 6


def test_a_gap_is_no_error():
    assert mase(np.array([np.nan, 5.0]), np.array([99.0, 3.0]), 1.0) == 2.0
    assert wape(np.array([np.nan, 5.0]), np.array([99.0, 3.0])) == pytest.approx(0.4)


def test_a_scale_of_zero_gives_nan_not_infinity():
    assert np.isnan(mase(np.ones(2), np.zeros(2), 0.0))


def test_the_scale_passes_over_pairs_with_a_gap():
    assert seasonal_scale(np.array([1.0, np.nan, 4.0, 5.0]), 2) == 3.0


def test_wape_weighs_errors_by_volume():
    assert wape(np.array([10.0, 90.0]), np.array([20.0, 80.0])) == pytest.approx(0.2)


def test_coverage_counts_the_bounds_as_inside_and_leaves_gaps_open():
    inside = covered(np.array([1.0, 3.0, np.nan]), np.ones(3), np.full(3, 2.0))
    assert inside[:2].tolist() == [1.0, 0.0] and np.isnan(inside[2])
