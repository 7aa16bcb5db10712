import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom, nchypergeom_fisher

from rollout import sequential

RATIOS = sequential.odds_ratios(3.0)
counts = st.integers(1, 60)


def mean_pay(chance_of, n, n_other, drawn):
    k = np.arange(max(0, drawn - n_other), min(n, drawn) + 1)
    paid = np.exp([sequential.beside(int(bad), n, int(drawn - bad), n_other, RATIOS) for bad in k])
    return chance_of(k) @ paid


@given(counts, counts, st.data())
def test_a_bet_is_fair_where_the_version_makes_no_difference(n, n_other, data):
    drawn = data.draw(st.integers(0, n + n_other))
    mean = mean_pay(lambda k: hypergeom.pmf(k, n + n_other, drawn, n), n, n_other, drawn)
    np.testing.assert_allclose(mean, 1, rtol=1e-9)


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_a_bet_against_a_better_version_loses(n, n_other, data):
    drawn = data.draw(st.integers(1, n + n_other - 1))
    mean = mean_pay(lambda k: nchypergeom_fisher.pmf(k, n + n_other, drawn, n, 0.5), n, n_other, drawn)
    assert (mean < 1).all()


@given(st.integers(1, 80), st.floats(0.01, 0.9))
def test_a_bet_on_a_share_is_fair_at_the_limit_and_loses_below(n, limit):
    k = np.arange(n + 1)
    paid = np.exp([sequential.alone(int(bad), n, limit, RATIOS) for bad in k])
    np.testing.assert_allclose(binom.pmf(k, n, limit) @ paid, 1, rtol=1e-7)
    assert (binom.pmf(k, n, limit * 0.9) @ paid < 1).all()


@given(counts, counts, st.data())
def test_one_more_bad_one_always_pays_more_and_one_more_beside_it_less(n, n_other, data):
    bad, bad_other = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n_other - 1))
    paid = sequential.beside(bad, n, bad_other, n_other, RATIOS)
    assert (sequential.beside(bad + 1, n, bad_other, n_other, RATIOS) > paid).all()
    assert (sequential.beside(bad, n, bad_other + 1, n_other, RATIOS) <= paid + 1e-12).all()


def test_where_all_or_none_are_bad_nothing_is_won_or_lost():
    for bad, bad_other in ((0, 0), (20, 380)):
        np.testing.assert_allclose(sequential.beside(bad, 20, bad_other, 380, RATIOS), 0, atol=1e-9)


def test_millions_of_requests_are_no_trouble():
    paid = sequential.beside(52_000, 1_000_000, 50_000, 1_000_000, RATIOS)
    assert np.isfinite(paid).all()
    assert sequential.wealth(np.full((1, sequential.BETS), 1e6)) == pytest.approx(np.exp(600))


@pytest.mark.parametrize("bursts", [0.0, 0.2])
def test_money_grows_a_hundredfold_in_less_than_one_of_a_hundred_fair_games_bursts_or_not(bursts):
    rng, games, reached = np.random.default_rng(7), 300, 0
    for _ in range(games):
        logs = np.zeros(sequential.BETS)
        for rate in np.where(rng.random(40) < bursts, 0.4, 0.02):
            bad, bad_other = rng.binomial((25, 475), rate)
            logs += sequential.beside(int(bad), 25, int(bad_other), 475, RATIOS)
            if sequential.wealth(logs) >= 100:
                reached += 1
                break
    assert reached <= 0.02 * games  # at most 3 expected; 7 or more has a chance of 3 %
