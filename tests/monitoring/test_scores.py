import numpy as np
import pytest
from scipy import stats

from monitoring.scores import mid_ranks, missing_share, profile, psi, psi_of_counts, rank_shift, wasserstein


def test_the_stability_index_of_two_cells_is_as_worked_out_by_hand():
    # shares 50.5/101 = .5 and 80.5/101 = .797, 20.5/101 = .203
    r, c = np.array([0.5, 0.5]), np.array([80.5, 20.5]) / 101
    assert psi_of_counts(np.array([50, 50]), np.array([80, 20])) == pytest.approx(((c - r) * np.log(c / r)).sum())


def test_an_empty_cell_gives_a_finite_index():
    assert 1.0 < psi_of_counts(np.array([100, 100]), np.array([200, 0])) < 10.0


def test_a_column_moved_as_a_whole_by_two_sigma_scores_two():
    values = np.random.default_rng(0).normal(5, 3, size=10_000)
    assert wasserstein(profile(values), profile(values + 2 * values.std())) == pytest.approx(2.0)


def test_the_distance_agrees_with_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.gamma(2, 3, size=999), rng.gamma(3, 2, size=77)
    assert wasserstein(profile(a), profile(b)) == pytest.approx(stats.wasserstein_distance(a, b) / a.std())


def test_a_constant_reference_is_measured_in_units_of_one():
    assert wasserstein(profile(np.full(9, 4.0)), profile(np.full(5, 7.0))) == 3.0


def test_one_outlier_moves_the_distance_but_not_the_ranks():
    calm = np.arange(1000.0)
    spiked = calm.copy()
    spiked[0] = 1e9
    assert wasserstein(profile(calm), profile(spiked)) > 1000
    assert rank_shift(profile(calm), profile(spiked)) < 0.01


def test_ranks_see_ones_become_twos_behind_rare_giants():
    before = np.array([1.0] * 80 + [2.0] * 19 + [90_000.0])
    after = np.array([2.0] * 99 + [90_000.0])
    assert wasserstein(profile(before), profile(after)) < 0.001
    assert rank_shift(profile(before), profile(after)) > 1.0


def test_tied_values_share_their_rank():
    assert mid_ranks(profile(np.array([1.0, 1.0, 2.0, 3.0])), np.array([0.0, 1.0, 2.0, 9.0])).tolist() == [
        0.0,
        0.25,
        0.625,
        1.0,
    ]


def test_the_same_rows_score_nothing():
    values = profile(np.random.default_rng(2).normal(size=500))
    assert (psi(values, values), wasserstein(values, values), rank_shift(values, values)) == (0.0, 0.0, 0.0)


def test_infinite_counts_as_missing():
    assert missing_share(np.array([np.nan, -np.inf, 1.0, 2.0])) == 0.5
