import numpy as np
import pytest

from monitoring.scores import profile, psi, rank_shift, wasserstein
from monitoring.variation import category_cells, number_cells, upper_bound, weekly_scores


def test_a_week_is_scored_against_the_weeks_before_it_as_the_current_one_is_against_the_reference():
    rng = np.random.default_rng(0)
    weeks = np.repeat(np.arange(6), 200)
    values = rng.poisson(5, size=1200) + (weeks == 5)
    cells = number_cells(values.astype(float), profile(values.astype(float)), weeks, bins=10)
    last = {name: scores[-1] for name, scores in weekly_scores(cells, first_weeks=4).items()}
    before, now = profile(values[weeks < 5]), profile(values[weeks == 5])
    sigmas = values.std() / values[weeks < 5].std()
    assert last["wasserstein"] * sigmas == pytest.approx(wasserstein(before, now))
    assert last["rank_shift"] == pytest.approx(rank_shift(before, now), rel=0.1)
    assert last["psi"] == pytest.approx(psi(before, now), rel=0.3)


def test_very_many_distinct_values_are_cut_into_cells_without_changing_the_score_much():
    values = np.random.default_rng(1).lognormal(size=60_000)
    weeks = np.repeat(np.arange(6), 10_000)
    values[weeks == 5] *= 1.5
    cells = number_cells(values, profile(values), weeks, bins=10)
    exact = wasserstein(profile(values[weeks < 5]), profile(values[weeks == 5])) * values[weeks < 5].std()
    assert weekly_scores(cells, 4)["wasserstein"][-1] * values.std() == pytest.approx(exact, rel=0.01)


def test_a_nearly_empty_week_says_nothing_about_variation():
    weeks = np.repeat(np.arange(8), [100, 100, 100, 100, 100, 100, 2, 100])
    cells = category_cells(np.zeros(len(weeks), dtype=int), 2, weeks)
    assert len(weekly_scores(cells, first_weeks=4)["psi"]) == 3


def test_the_bound_is_exceeded_as_often_as_it_says():
    rng = np.random.default_rng(2)
    over = [rng.lognormal() > upper_bound(rng.lognormal(size=20), 0.05) for _ in range(4000)]
    assert np.mean(over) == pytest.approx(0.05, abs=0.012)


def test_one_bad_week_in_the_reference_does_not_blind_the_check():
    calm = np.random.default_rng(3).lognormal(np.log(0.03), 0.4, size=50)
    assert upper_bound(np.append(calm, 1.0), 0.001) < 0.5
