"""Every figure here can be worked out by hand: equal differences have an interval of no width."""

import numpy as np
import pytest

from registry.errors import NotComparable
from registry.gate import decide

nan = float("nan")


def test_a_challenger_that_beats_the_baseline_on_every_unit_passes_where_nothing_serves(evaluation):
    decision = decide(evaluation([0.5, 0.6, 0.7], [0.4, 0.5, 0.6]), None, "naive", 0.01)
    assert decision.passed
    assert decision.comparisons["naive"] == pytest.approx((0.1, 0.1, 0.1))
    assert decision.reasons == [
        "score@10 0.6 against 0.5 of naive, gain +0.1 [+0.1, +0.1]: better",
        "there is no champion yet",
    ]


def test_a_tie_with_the_baseline_does_not_pass(evaluation):
    decision = decide(evaluation([0.5, 0.6], [0.5, 0.6]), None, "naive", 0.01)
    assert not decision.passed
    assert decision.comparisons["naive"] == (0, 0, 0)
    assert "not shown to be better than naive" in decision.reasons[0]


def test_a_better_mean_whose_interval_reaches_below_zero_does_not_pass(evaluation):
    """Guards P51."""
    # differences +1 and -0.5: a quarter of the resamples are twice the second
    decision = decide(evaluation([1.0, 0.0], [0.0, 0.5]), None, "naive", 0.01)
    assert not decision.passed
    assert decision.comparisons["naive"] == pytest.approx((-0.5, 0.25, 1.0))


def test_where_less_is_better_a_smaller_error_is_the_gain(evaluation):
    decision = decide(evaluation([1.0, 2.0], [1.5, 2.5], better="lower"), None, "naive", 0.0)
    assert decision.passed
    assert decision.comparisons["naive"] == pytest.approx((0.5, 0.5, 0.5))
    assert not decide(evaluation([1.5, 2.5], [1.0, 2.0], better="lower"), None, "naive", 0.0).passed


def test_the_same_recipe_again_ties_with_the_champion_and_passes_even_without_margin(evaluation):
    same = evaluation([0.5, 0.6, 0.7])
    decision = decide(same, same, "naive", 0.0)
    assert decision.passed
    assert decision.comparisons["champion"] == (0, 0, 0)


@pytest.mark.parametrize(("margin", "passes"), [(0.2, True), (0.11, True), (0.1, True), (0.09, False), (0.0, False)])
def test_a_challenger_worse_by_a_tenth_passes_within_a_margin_of_a_tenth(evaluation, margin, passes):
    champion, challenger = evaluation([1.0, 1.0, 1.0], algorithm="old"), evaluation([0.9, 0.9, 0.9])
    decision = decide(challenger, champion, "naive", margin)
    assert decision.passed is passes
    assert decision.comparisons["champion"] == pytest.approx((-0.1, -0.1, -0.1))
    assert ("not shown to be no worse" in decision.reasons[1]) is not passes


def test_the_margin_of_an_error_is_a_share_of_the_champions_error(evaluation):
    champion = evaluation([2.0, 2.0], [9, 9], better="lower", algorithm="old")
    challenger = evaluation([2.1, 2.1], [9, 9], better="lower")
    assert decide(challenger, champion, "naive", 0.06).passed
    assert not decide(challenger, champion, "naive", 0.04).passed


def test_a_mean_within_the_margin_does_not_do_if_the_interval_reaches_beyond(evaluation):
    # differences -1 and +1 around a champion of 10: the mean is 0, the interval -1 to 1, and 5 % of 10 is 0.5
    champion, challenger = evaluation([10.0, 10.0], algorithm="old"), evaluation([9.0, 11.0])
    assert not decide(challenger, champion, "naive", 0.05).passed
    assert decide(challenger, champion, "naive", 0.1).passed


def test_beating_the_champion_does_not_help_against_the_baseline(evaluation):
    champion, challenger = evaluation([0.1, 0.1], [0.5, 0.5], algorithm="old"), evaluation([0.4, 0.4], [0.5, 0.5])
    decision = decide(challenger, champion, "naive", 0.01)
    assert not decision.passed
    assert decision.comparisons["champion"].low > 0


def test_units_that_nobody_can_score_are_left_out(evaluation):
    decision = decide(evaluation([0.5, nan, 0.7], [0.4, nan, 0.6]), None, "naive", 0.01)
    assert decision.passed
    assert decision.comparisons["naive"] == pytest.approx((0.1, 0.1, 0.1))
    assert "0.6 against 0.5" in decision.reasons[0]


def test_a_unit_that_only_the_challenger_cannot_score_fails_it(evaluation):
    decision = decide(evaluation([0.9, nan, 0.9], [0.4, 0.5, 0.6]), None, "naive", 0.01)
    assert not decision.passed
    assert decision.reasons[0] == "it has no score on 1 of 3 units that naive has one on"


def test_a_unit_that_only_the_champion_cannot_score_does_not_count_against_the_challenger(evaluation):
    champion, challenger = evaluation([0.5, nan, 0.5], algorithm="old"), evaluation([0.5, 0.1, 0.5])
    assert decide(challenger, champion, "naive", 0.0).passed


@pytest.mark.parametrize("ours", [[nan, nan], []])
def test_no_unit_at_all_does_not_pass(evaluation, ours):
    challenger = evaluation(ours, ours) if ours else evaluation(np.empty(0), np.empty(0))
    decision = decide(challenger, None, "naive", 0.01)
    assert not decision.passed
    assert "only 0 unit(s) could be compared" in decision.reasons[0]


def test_one_unit_is_too_few_to_tell(evaluation):
    decision = decide(evaluation([0.9], [0.1]), None, "naive", 0.01)
    assert not decision.passed
    assert "at least 2 are needed" in decision.reasons[0]


def test_units_in_another_order_are_paired_by_id(evaluation):
    champion = evaluation([0.1, 0.9, 0.5], units=["b", "a", "c"], algorithm="old")
    challenger = evaluation([0.9, 0.1, 0.5], units=["a", "b", "c"])
    assert decide(challenger, champion, "naive", 0.0).comparisons["champion"] == (0, 0, 0)


@pytest.mark.parametrize("units", [["a", "b"], ["a", "b", "d"], ["a", "b", "b"]])
def test_a_champion_scored_on_other_units_is_not_compared(evaluation, units):
    champion = evaluation([0.5] * len(units), units=units, algorithm="old")
    challenger = evaluation([0.5, 0.5, 0.5], units=["a", "b", "c"])
    with pytest.raises(NotComparable, match="refit the champion's recipe on the challenger's split"):
        decide(challenger, champion, "naive", 0.01)


def test_a_champion_scored_by_another_metric_is_not_compared(evaluation):
    champion = evaluation([0.5, 0.5], better="lower", algorithm="old")
    with pytest.raises(NotComparable, match="scored by"):
        decide(evaluation([0.5, 0.5]), champion, "naive", 0.01)


def test_a_baseline_that_was_not_scored_is_named(evaluation):
    with pytest.raises(NotComparable, match="not compared with popularity"):
        decide(evaluation([0.5, 0.5]), None, "popularity", 0.01)


@pytest.mark.parametrize("margin", [-0.1, nan, float("inf")])
def test_a_margin_that_is_no_share_is_a_slip(evaluation, margin):
    with pytest.raises(ValueError, match="share"):
        decide(evaluation([0.5, 0.5]), None, "naive", margin)


def test_tags_say_the_verdict_the_reasons_and_the_figures(evaluation):
    tags = decide(evaluation([0.5, 0.6], [0.4, 0.5]), None, "naive", 0.01).tags()
    assert tags["gate"] == "passed"
    assert tags["gate.margin"] == "0.01"
    assert tags["gate.gain_over_naive"] == "+0.1 [+0.1, +0.1]"
    assert tags["gate.reasons"].endswith("better; there is no champion yet")


@pytest.mark.parametrize(
    "part",
    [
        {"n": 40, "metric": 0.2, "baselines": {"naive": 0.3}},
        {"n": 40, "score@10": 0.2, "naive_score@10": 0.3},
    ],
)
def test_a_slice_where_the_baseline_does_better_is_a_warning_and_no_failure(evaluation, part):
    good = {"n": 60, "metric": 0.9, "baselines": {"naive": 0.3}}
    challenger = evaluation([0.5, 0.6], [0.4, 0.5], slices={"new": part, "old": good})
    decision = decide(challenger, None, "naive", 0.01)
    assert decision.passed
    assert decision.warnings == ["new: score@10 0.2 against 0.3 of naive (n 40)"]
    assert decision.tags()["gate.warnings"] == decision.warnings[0]
