import json
from datetime import UTC, datetime

import pytest

from registry import promotion
from registry.errors import (
    GateFailed,
    NoChampion,
    NothingToRollBackTo,
    StaleChoice,
    VersionNotFound,
    VersionRejected,
)
from registry.records import VersionInfo, history_of


def version(number, *aliases, gate="passed", served=(), rejected=None):
    tags = {
        "gate.reasons": "the reasons",
        "champion.history": json.dumps([{"at": at, "by": "promote"} for at in served]),
    }
    if rejected is not None:
        tags["rollout"] = f"rejected:{rejected}"
    return VersionInfo(number, aliases, gate, {}, datetime(2024, 1, 1, tzinfo=UTC), tags)


def previous(versions):
    """Champion and the one before it, the history being the versions' tags."""
    return promotion.previous("m", versions, [entry.version for entry in history_of(versions)])


def test_without_a_number_the_challenger_is_chosen():
    versions = [version(3, gate="failed"), version(2, "challenger"), version(1, "champion")]
    assert promotion.choose("m", versions, None).number == 2


def test_a_number_is_chosen_whatever_carries_the_alias():
    assert promotion.choose("m", [version(2, "challenger"), version(1)], 1).number == 1


def test_without_any_version_that_passed_there_is_nothing_to_choose():
    with pytest.raises(
        VersionNotFound, match="no challenger: no version has passed its gate; train one with `agro train m`"
    ):
        promotion.choose("m", [version(1, gate="failed")], None)


def test_a_number_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(VersionNotFound, match="no version 9; it has: 2, 1"):
        promotion.choose("m", [version(2), version(1)], 9)


def test_a_version_that_failed_its_gate_is_refused_with_the_reasons_and_a_remedy():
    versions = [version(1, gate="failed")]
    with pytest.raises(GateFailed, match=r"\(the reasons\); train a better one .*; .* move the alias `champion`"):
        promotion.choose("m", versions, 1)
    assert promotion.choose("m", versions, 1, force=True).number == 1


def test_a_version_without_a_gate_is_refused_too():
    with pytest.raises(GateFailed):
        promotion.choose("m", [version(1, gate="none")], 1)


def test_a_rejected_version_is_refused_until_it_is_said_again():
    versions = [version(2, "challenger", rejected="errors at 5 %"), version(1, "champion")]
    with pytest.raises(VersionRejected, match=r"rolled back \(errors at 5 %\); `agro promote m 2 --again`"):
        promotion.choose("m", versions, None)
    assert promotion.choose("m", versions, None, again=True).number == 2


def test_a_challenger_older_than_the_champion_has_to_be_named():
    versions = [version(2, "champion"), version(1, "challenger")]
    with pytest.raises(StaleChoice, match="`agro promote m 1` if the older one is meant"):
        promotion.choose("m", versions, None)
    assert promotion.choose("m", versions, 1).number == 1


def test_rollback_returns_to_the_champion_before():
    versions = [version(3, "champion", served=["3"]), version(2, served=["2"]), version(1, served=["1"])]
    champion, before = previous(versions)
    assert (champion.number, before.number) == (3, 2)


def test_a_second_rollback_goes_further_back_and_not_forth_again():
    versions = [
        version(3, served=["3"], rejected="x"),
        version(2, "champion", served=["2", "4"]),
        version(1, served=["1"]),
    ]
    assert previous(versions)[1].number == 1


def test_the_champion_before_is_the_last_in_time_not_the_number_below():
    versions = [version(3, "champion", served=["3"]), version(2, served=["1"]), version(1, served=["2"])]
    assert previous(versions)[1].number == 1


def test_a_champion_set_in_mlflow_rolls_back_to_the_last_one_that_was_noted():
    versions = [version(3, "champion"), version(2, served=["2"]), version(1, served=["1"])]
    assert previous(versions)[1].number == 2


def test_rollback_without_a_champion_or_without_an_earlier_one_says_what_to_do():
    with pytest.raises(NoChampion, match="`agro promote m`"):
        previous([version(1)])
    with pytest.raises(NothingToRollBackTo, match="`agro promote m VERSION`"):
        previous([version(1, "champion", served=["1"])])
    with pytest.raises(NothingToRollBackTo):
        previous([version(2, "champion", served=["2"]), version(1, served=["1"], rejected="bad")])


def test_the_history_is_in_order_of_time_over_all_versions():
    versions = [version(2, served=["2"]), version(1, served=["1", "3"])]
    assert [(entry.version, entry.at) for entry in history_of(versions)] == [(1, "1"), (2, "2"), (1, "3")]
