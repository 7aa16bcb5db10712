"""Every figure here can be worked out by hand: equal differences have an interval of no width."""

import numpy as np
import pytest

from models.bootstrap import RefitNoise
from models.evaluation import Checks
from registry.errors import NotComparable
from registry.gate import decide

nan = float("nan")
N = 20


def all_of(*values):
    """These values over and over, as many as the gate asks for."""
    return np.resize(np.array(values, dtype=float), N)


def test_a_challenger_that_beats_the_baseline_on_every_unit_passes_where_nothing_serves(evaluation):
    decision = decide(evaluation(all_of(0.5, 0.7), all_of(0.4, 0.6)), None, 0.01)
    assert decision.outcome == "passed"
    assert decision.comparisons["naive"] == pytest.approx((0.1, 0.1, 0.1))
    assert decision.reasons == [
        "better than naive, the strongest of 1 naive baseline: score@10 0.6 against 0.5, gain +0.1 [+0.1, +0.1] "
        "over 20 units",
        "there is no champion yet",
    ]


def test_the_strongest_baseline_of_the_run_has_to_be_beaten_not_a_weak_one(evaluation):
    found = evaluation(all_of(0.5), all_of(0.1), baselines={"colour": all_of(0.6)})
    assert found.strongest == "colour"
    decision = decide(found, None, 0.01)
    assert decision.outcome == "failed"
    assert decision.reasons[0].startswith("worse than colour, the strongest of 2 naive baselines: score@10 0.5 against")


def test_a_naive_algorithm_does_not_pass_against_itself(evaluation):
    decision = decide(evaluation(all_of(0.5, 0.6), all_of(0.5, 0.6)), None, 0.01)
    assert decision.outcome == "failed"
    assert "scores on every unit what naive, the strongest of 1 naive baseline, scores" in decision.reasons[0]


def test_a_model_that_falls_back_to_the_strongest_baseline_passes_and_says_that_it_knows_little(evaluation):
    decision = decide(evaluation(all_of(0.5, 0.6), all_of(0.5, 0.6), falls_back_to="naive"), None, 0.01)
    assert decision.outcome == "passed"
    assert decision.warnings == [
        "as good as naive, to which it falls back: these histories say little; train again with more"
    ]


def test_saying_that_it_falls_back_does_not_help_where_the_answers_differ(evaluation):
    found = evaluation(all_of(0.5, 0.6), all_of(0.5, 0.61), falls_back_to="naive")
    assert decide(found, None, 0.01).outcome == "failed"


def test_a_better_mean_whose_interval_reaches_below_zero_does_not_pass(evaluation):
    """Guards P51."""
    decision = decide(evaluation(all_of(1.0, 0.0), all_of(0.0, 0.9)), None, 0.01)
    assert decision.outcome == "failed"
    assert decision.comparisons["naive"].mid == pytest.approx(0.05)
    assert "no clear difference to naive" in decision.reasons[0] and "`agro tune`" in decision.reasons[0]


@pytest.mark.parametrize(("units", "passes"), [(3, 0.0), (25, 0.03)])
def test_what_is_no_better_than_the_baseline_hardly_ever_passes_by_luck(evaluation, units, passes):
    """2,000 draws: about 2.5 % of them are lucky with 25 units; with 3 units 13 to 26 % used to pass."""
    rng = np.random.default_rng(1)
    nothing = np.zeros(units)
    told = [decide(evaluation(rng.normal(size=units), nothing), None, 0.01).outcome for _ in range(2000)]
    assert told.count("passed") / len(told) <= passes
    assert told.count("cannot tell") == (2000 if units == 3 else 0)


@pytest.mark.parametrize(("n", "outcome"), [(19, "cannot tell"), (20, "passed")])
def test_with_fewer_than_twenty_units_a_person_decides(evaluation, n, outcome):
    decision = decide(evaluation(np.full(n, 0.9), np.full(n, 0.1), unit="series"), None, 0.01)
    assert decision.outcome == decision.tags()["gate"] == outcome
    asked = "only 19 independent series were compared, and 20 are needed; test on more series, or look at the card and"
    assert (asked in decision.reasons[0]) is (n == 19)
    assert decision.passed is (n == 20)


def test_photographs_of_one_leaf_count_once(evaluation):
    leaves = np.arange(60) // 6
    decision = decide(evaluation(np.full(60, 0.9), np.full(60, 0.1), clusters=leaves), None, 0.01)
    assert decision.outcome == "cannot tell"
    assert "only 10 independent clusters of units" in decision.reasons[0]


def test_where_less_is_better_a_smaller_error_is_the_gain(evaluation):
    decision = decide(evaluation(all_of(1.0, 2.0), all_of(1.5, 2.5), better="lower"), None, 0.0)
    assert decision.passed
    assert decision.comparisons["naive"] == pytest.approx((0.5, 0.5, 0.5))
    assert "less is better" in decision.reasons[0]
    assert not decide(evaluation(all_of(1.5, 2.5), all_of(1.0, 2.0), better="lower"), None, 0.0).passed


def test_the_same_recipe_again_is_called_a_tie(evaluation):
    same = evaluation(all_of(0.5, 0.6, 0.7))
    decision = decide(same, same, 0.0, same_recipe=True)
    assert decision.passed
    assert decision.comparisons["champion"] == (0, 0, 0)
    assert decision.reasons[1] == "the same recipe as the champion's: fitted on the same rows, the two tie"


@pytest.mark.parametrize(
    ("ours", "margin", "outcome", "word"),
    [
        (1.2, 0.0, "passed", "better than the champion's recipe refitted on the same rows"),
        (0.9, 0.2, "passed", "slightly worse than the champion's recipe"),
        (0.9, 0.1, "passed", "slightly worse than the champion's recipe"),
        (0.9, 0.09, "failed", "worse than the champion's recipe"),
        (1.0, 0.0, "passed", "no clear difference to the champion's recipe"),
    ],
)
def test_a_challenger_may_be_worse_than_the_champions_recipe_within_the_margin(evaluation, ours, margin, outcome, word):
    champion, challenger = evaluation(all_of(1.0), algorithm="old"), evaluation(all_of(ours))
    decision = decide(challenger, champion, margin)
    assert decision.outcome == outcome
    assert decision.reasons[1].startswith(word)


def test_the_margin_of_an_error_is_a_share_of_the_champions_error(evaluation):
    champion = evaluation(all_of(2.0), all_of(9), better="lower", algorithm="old")
    challenger = evaluation(all_of(2.1), all_of(9), better="lower")
    assert decide(challenger, champion, 0.06).passed
    assert not decide(challenger, champion, 0.04).passed


def test_an_interval_that_reaches_beyond_the_margin_cannot_tell_and_a_person_decides(evaluation):
    champion, challenger = evaluation(all_of(10.0), algorithm="old"), evaluation(all_of(9.0, 11.0))
    decision = decide(challenger, champion, 0.01)
    assert decision.outcome == "cannot tell"
    assert "it may be worse by more than the margin of -0.1" in decision.reasons[1]
    assert "`agro promote doubler VERSION`" in decision.reasons[1]
    assert decide(challenger, champion, 0.1).passed


def test_the_luck_of_refitting_is_counted(evaluation):
    """Seeds alone moved a score by three times the margin, and the interval over users left it out."""
    noisy = {"refit_noise": RefitNoise(0.009, 3)}
    sure = decide(evaluation(all_of(0.31)), evaluation(all_of(0.30), algorithm="old"), 0.01)
    lucky = decide(evaluation(all_of(0.31), **noisy), evaluation(all_of(0.30), algorithm="old", **noisy), 0.01)
    assert (sure.outcome, lucky.outcome) == ("passed", "cannot tell")
    half = 2.776 * 0.009 * np.sqrt(2)  # Student's quantile of 4 degrees of freedom
    assert lucky.comparisons["champion"] == pytest.approx((0.01 - half, 0.01, 0.01 + half), abs=1e-4)


def test_beating_the_champion_does_not_help_against_the_baseline(evaluation):
    champion = evaluation(all_of(0.1), all_of(0.5), algorithm="old")
    decision = decide(evaluation(all_of(0.4), all_of(0.5)), champion, 0.01)
    assert not decision.passed
    assert decision.comparisons["champion"].low > 0


def recorded(challenger, score, gain, half=0.02):
    """What a champion's record says: its score, and its gain over naive, each with an interval of that half-width."""
    around = {name: {"low": mid - half, "mid": mid, "high": mid + half} for name, mid in (("s", score), ("g", gain))}
    document = {"metrics": {"score@10": score}, "protocol": challenger.protocol}
    return document | {"score": around["s"], "beats": {"naive": around["g"]}}


def test_a_recipe_that_fell_below_the_champions_record_while_the_baseline_held_fails(evaluation):
    same = evaluation(all_of(0.4), all_of(0.2))
    decision = decide(same, same, 0.01, same_recipe=True, recorded=recorded(same, 0.6, 0.4))
    assert decision.outcome == "failed"
    assert "score@10 0.4 is worse than the 0.6 that the champion had when it was registered" in decision.reasons[-1]
    assert "look at the newest data (`agro drift`)" in decision.reasons[-1]


def test_where_the_baseline_fell_as_well_the_data_became_harder_and_it_is_a_warning(evaluation):
    same = evaluation(all_of(0.4), all_of(0.2))
    decision = decide(same, same, 0.01, same_recipe=True, recorded=recorded(same, 0.6, 0.2))
    assert decision.outcome == "passed"
    assert "the data have become harder" in decision.warnings[0]


@pytest.mark.parametrize(
    "record",
    [{"half": 0.3}, {"score": 0.41}, {"score": 0.2}],
    ids=["within chance", "within chance and margin", "it rose"],
)
def test_a_score_that_did_not_surely_fall_is_no_failure(evaluation, record):
    same = evaluation(all_of(0.4), all_of(0.2))
    decision = decide(same, same, 0.01, recorded=recorded(same, **({"score": 0.6, "gain": 0.4} | record)))
    assert (decision.outcome, decision.warnings) == ("passed", [])


def test_a_record_under_another_protocol_is_not_compared(evaluation):
    same = evaluation(all_of(0.4), all_of(0.2))
    other = recorded(same, 0.6, 0.4) | {"protocol": {"name": "in-time"}}
    assert decide(same, same, 0.01, recorded=other).passed


def test_what_the_family_finds_fails_the_gate_or_is_told(evaluation):
    good = evaluation(all_of(0.5), all_of(0.4))
    failed = decide(good, None, 0.01, checks=Checks(failures=("rust is never recognised",)))
    assert (failed.outcome, failed.reasons[-1]) == ("failed", "rust is never recognised")
    told = decide(good, None, 0.01, checks=Checks(warnings=("intervals are narrow",)))
    assert (told.outcome, told.warnings) == ("passed", ["intervals are narrow"])


def test_units_that_nobody_can_score_are_left_out(evaluation):
    holes = np.r_[all_of(0.5, 0.7), nan]
    decision = decide(evaluation(holes, holes - 0.1), None, 0.01)
    assert decision.passed
    assert decision.comparisons["naive"] == pytest.approx((0.1, 0.1, 0.1))
    assert "0.6 against 0.5" in decision.reasons[0]


def test_a_unit_that_only_the_challenger_cannot_score_fails_it(evaluation):
    decision = decide(evaluation([0.9, nan, 0.9], [0.4, 0.5, 0.6]), None, 0.01)
    assert decision.outcome == "failed"
    assert decision.reasons[0] == "it has no score on 1 of 3 units that naive has one on; see why"


def test_a_unit_that_only_the_champion_cannot_score_does_not_count_against_the_challenger(evaluation):
    champion, challenger = evaluation(np.r_[all_of(0.5), nan], algorithm="old"), evaluation(np.r_[all_of(0.5), 0.1])
    assert decide(challenger, champion, 0.0).passed


@pytest.mark.parametrize("ours", [[nan, nan], []])
def test_no_unit_at_all_fails(evaluation, ours):
    decision = decide(evaluation(np.array(ours), np.array(ours)), None, 0.01)
    assert decision.outcome == "failed"
    assert "units could be scored" in decision.reasons[0]


def test_units_in_another_order_are_paired_by_id(evaluation):
    ids = np.arange(N)
    champion = evaluation(ids[::-1] / N, units=ids[::-1], algorithm="old")
    challenger = evaluation(ids / N, units=ids)
    assert decide(challenger, champion, 0.0).comparisons["champion"] == (0, 0, 0)


@pytest.mark.parametrize("units", [["a", "b"], ["a", "b", "d"], ["a", "b", "b"]])
def test_a_champion_scored_on_other_units_is_not_compared(evaluation, units):
    champion = evaluation([0.5] * len(units), units=units, algorithm="old")
    challenger = evaluation([0.5, 0.5, 0.5], units=["a", "b", "c"])
    with pytest.raises(NotComparable, match="refit the champion's recipe on the challenger's split"):
        decide(challenger, champion, 0.01)


def test_a_champion_scored_by_another_metric_is_not_compared(evaluation):
    champion = evaluation([0.5, 0.5], better="lower", algorithm="old")
    with pytest.raises(NotComparable, match="scored by"):
        decide(evaluation([0.5, 0.5]), champion, 0.01)


@pytest.mark.parametrize("margin", [-0.1, nan, float("inf")])
def test_a_margin_that_is_no_share_is_a_slip(evaluation, margin):
    with pytest.raises(ValueError, match="share"):
        decide(evaluation([0.5, 0.5]), None, margin)


def test_tags_say_the_verdict_the_reasons_and_the_figures(evaluation):
    tags = decide(evaluation(all_of(0.5, 0.6), all_of(0.4, 0.5)), None, 0.01).tags()
    assert tags["gate"] == "passed"
    assert tags["gate.margin"] == "0.01"
    assert tags["gate.gain_over_naive"] == "+0.1 [+0.1, +0.1]"
    assert tags["gate.reasons"].endswith("over 20 units; there is no champion yet")


def test_a_record_whose_slices_are_of_another_shape_is_read(evaluation):
    """Documents of versions from before have slices in groups, and no notes."""
    same = evaluation(all_of(0.4), all_of(0.2))
    before = recorded(same, 0.6, 0.4) | {
        "slices": {"label": {"rust": {"n": 5, "score@10": 0.9}}, "series": {"scored": 6}}
    }
    assert decide(same, same, 0.01, same_recipe=True, recorded=before).outcome == "failed"
