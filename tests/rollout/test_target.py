import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import WeightsRefused
from rollout.target import ARMS, Split

HERE, THERE = "127.0.0.1:3001", "127.0.0.1:3101"
BOTH = {"champion": HERE, "previous": THERE}


def test_a_canary_and_what_served_before_share_the_traffic():
    split = Split({"champion": 5, "previous": 95}, BOTH)
    assert split.answering == ("champion", "previous")
    assert not split.sticky


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"champion": 5, "previous": 90}, "sum to 95"),
        ({}, "sum to 0"),
        ({"champion": 60, "previous": 60}, "sum to 120"),
        ({"champion": 101, "previous": -1}, "whole per cent"),
        ({"champion": 99.5, "previous": 0.5}, "whole per cent"),
        ({"champion": True, "previous": 99}, "whole per cent"),
        ({"champion": 50, "canary": 50}, "canary unknown"),
        ({"champion": 50, "challenger": 50}, "say where challenger answers"),
    ],
)
def test_weights_that_are_not_a_hundred_per_cent_of_known_arms_are_refused(weights, words):
    with pytest.raises(WeightsRefused, match=words):
        Split(weights, BOTH)


def test_a_copy_goes_to_no_arm_that_answers_and_to_none_without_an_address():
    with pytest.raises(WeightsRefused, match="previous answers already"):
        Split({"champion": 5, "previous": 95}, BOTH, mirror="previous")
    with pytest.raises(WeightsRefused, match="where challenger answers"):
        Split({"champion": 100}, BOTH, mirror="challenger")
    assert Split({"previous": 100}, BOTH, mirror="champion").answering == ("previous",)


def test_two_arms_have_two_addresses():
    with pytest.raises(WeightsRefused, match="two arms have one address"):
        Split({"champion": 100}, {"champion": HERE, "previous": HERE})


def test_no_canary_runs_during_an_experiment():
    where = {**BOTH, "challenger": "127.0.0.1:3201"}
    with pytest.raises(WeightsRefused, match="no canary runs during an experiment"):
        Split({"champion": 40, "previous": 10, "challenger": 50}, where, salt="spring")
    with pytest.raises(WeightsRefused, match="salt"):
        Split({"champion": 50, "challenger": 50}, where)
    assert Split({"champion": 50, "challenger": 50}, where, salt="spring").sticky


@given(st.dictionaries(st.sampled_from([*ARMS, "canary"]), st.integers(-1, 101) | st.none()))
def test_whatever_can_be_made_sums_to_a_hundred(weights):
    try:
        split = Split(weights, dict(zip(ARMS, "abc", strict=True)), salt="s")
    except WeightsRefused:
        return
    assert sum(split.weights[arm] for arm in split.answering) == 100
