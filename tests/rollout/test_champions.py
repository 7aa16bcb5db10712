"""Moves of `champion` on a real MLflow server, by us and by others."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from registry.errors import NoChampion, NothingToRollBackTo, VersionRejected
from rollout.champions import Champions
from rollout.history import History
from rollout.row import Event, Row
from rollout.settings import HistorySettings


@pytest.fixture
def client(mlflow_settings):
    from mlflow import MlflowClient

    return MlflowClient(mlflow_settings.uri, mlflow_settings.uri)


@pytest.fixture
def name(client):
    """A registered model with three versions that passed their gate, the newest of them challenger."""
    made = f"m-{uuid4().hex[:8]}"
    client.create_registered_model(made)
    for _ in range(3):
        client.create_model_version(made, "s3://nowhere/model", tags={"gate": "passed"})
    client.set_registered_model_alias(made, "challenger", "3")
    return made


@pytest.fixture
def champions(registry, tmp_path):
    settings = HistorySettings(file=tmp_path / "history.db", records=tmp_path / "none")
    return Champions(registry, History.open(settings))


def told(champions, name):
    return [(row.version, row.event, row.result) for row in champions.history.moves(name)]


def test_promote_rollback_and_again(champions, name):
    champions.promote(name, 1)
    assert champions.promote(name, reason="better").number == 3
    assert champions.rollback(name, "errors").number == 1
    assert champions.registry.champion(name).number == 1
    with pytest.raises(VersionRejected, match="errors"):
        champions.promote(name)
    assert champions.promote(name, again=True).number == 3
    assert told(champions, name) == [
        (1, "promote", ""), (3, "promote", "better"), (1, "rollback", "errors"), (3, "promote", ""),
    ]  # fmt: skip
    assert [row.before for row in champions.history.moves(name)] == [None, 1, 3, 1]


def test_promoting_the_champion_changes_nothing(champions, name):
    champions.promote(name)
    assert champions.promote(name).number == 3
    assert len(champions.history.moves(name)) == 1


def test_a_move_made_in_mlflow_is_written_down_at_its_own_time(champions, client, name):
    """The front notes it: MLflow itself keeps no time of an alias."""
    champions.promote(name, 1)
    before = datetime.now(UTC)
    client.set_registered_model_alias(name, "champion", "2")
    client.set_registered_model_alias(name, "champion", "3")
    after = datetime.now(UTC)
    champions.observe(name)
    rows = champions.history.moves(name)
    assert [(row.version, row.event) for row in rows] == [(1, "promote"), (2, "seen"), (3, "seen")]
    assert before < rows[1].at < rows[2].at < after < rows[2].noted_at
    assert champions.registry.moves(name) == []
    champions.observe(name)
    assert len(champions.history.moves(name)) == 3


def test_a_move_of_our_own_has_the_time_at_which_mlflow_made_it(champions, name):
    champions.promote(name, 1)
    (row,) = champions.history.moves(name)
    assert row.event == "promote" and row.at < row.noted_at
    assert row.who


def test_without_the_front_a_move_is_seen_and_said_to_be_seen(champions, client, name, monkeypatch):
    client.set_registered_model_alias(name, "champion", "2")
    monkeypatch.setattr(type(champions.registry), "moves", lambda *_: [])
    for _ in range(2):
        champions.observe(name)
    assert told(champions, name) == [(2, "seen", "the alias was moved in MLflow; seen at this time")]


def test_a_deleted_alias_is_no_champion_and_a_row(champions, client, name):
    champions.promote(name, 1)
    client.delete_registered_model_alias(name, "champion")
    assert champions.observe(name) is None
    assert [(row.version, row.event) for row in champions.history.moves(name)][1:] == [(None, "removed")]


def test_another_alias_is_nobodys_business(champions, client, name):
    client.set_registered_model_alias(name, "mine", "2")
    assert champions.registry.moves(name) == []


def test_rollback_finds_a_champion_that_was_set_in_mlflow_and_never_noted(champions, client, name):
    champions.promote(name, 1)
    client.set_registered_model_alias(name, "champion", "2")
    champions.promote(name, 3)
    assert champions.rollback(name).number == 2
    assert [row.version for row in champions.history.moves(name)] == [1, 2, 3, 2]


def test_rollback_without_a_champion_or_an_earlier_one_says_what_to_do(champions, name):
    with pytest.raises(NoChampion, match=f"agro promote {name}"):
        champions.rollback(name)
    champions.promote(name, 1)
    with pytest.raises(NothingToRollBackTo):
        champions.rollback(name)


def test_what_an_earlier_platform_kept_in_mlflows_tags_is_taken_over_once(champions, client, name):
    entries = [{"at": "2026-03-01T10:00:00+00:00", "by": "promote", "who": "ada", "reason": "first"}]
    client.set_model_version_tag(name, "1", "champion.history", json.dumps(entries))
    client.set_registered_model_alias(name, "champion", "2")
    for _ in range(2):
        champions.observe(name)
    assert told(champions, name) == [(1, "promote", "first"), (2, "seen", "the alias was moved in MLflow")]
    assert champions.history.moves(name)[0].who == "ada"
    assert champions.rollback(name).number == 1


def test_the_champion_of_a_past_moment_is_the_one_that_was_it_then(champions, name):
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    for day, number in enumerate((1, 3, 1)):
        champions.history.append(Row(name, Event.PROMOTED, number, at=noon + timedelta(days=day)))
    asked = [champions.resolve(name, moment=noon + timedelta(days=day)) for day in (0, 0.9, 1, 5)]
    assert asked == [1, 1, 3, 1]
    with pytest.raises(NoChampion, match="had no champion by 2026-03-03 11:59 UTC"):
        champions.resolve(name, moment=noon - timedelta(minutes=1))
    assert champions.resolve(name, 2) == 2
