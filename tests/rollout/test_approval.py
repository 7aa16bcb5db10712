"""Versions that have to be approved before they serve, on a real MLflow: refused, put back, or let through."""

from uuid import uuid4

import pytest

from flows.rollout.choices import RegistryChoices
from flows.rollout.promoter import Promoter
from registry.errors import NotApproved
from rollout.champions import Champions
from rollout.history import History
from rollout.row import Event, Row
from rollout.settings import HistorySettings
from tests.rollout.small_world import World


@pytest.fixture
def client(mlflow_settings):
    from mlflow import MlflowClient

    return MlflowClient(mlflow_settings.uri, mlflow_settings.uri)


@pytest.fixture
def name(client, monkeypatch):
    """A model whose versions have to be approved: the first is and serves, two more are not."""
    made = f"m-{uuid4().hex[:8]}"
    monkeypatch.setenv("AGRO_ROLLOUT_APPROVAL_MODELS", f"another, {made}")
    client.create_registered_model(made)
    for _ in range(3):
        client.create_model_version(made, "s3://nowhere/model", tags={"gate": "passed"}, description="A card.")
    client.set_model_version_tag(made, "1", "approval", "approved")
    return made


@pytest.fixture
def champions(registry, name, tmp_path):
    settings = HistorySettings(file=tmp_path / "history.db", records=tmp_path / "none")
    return Champions(registry, History.open(settings))


@pytest.fixture
def promoter(champions, tmp_path):
    """A promoter by the real registry, in a small world."""
    world = World(tmp_path)
    one = world.promoter()
    one.journal = type(one.journal)(champions.history, world.tell)
    made = Promoter(RegistryChoices(champions), one.arms, one.traffic, one.journal, one.plan)
    made.world = world
    return made


def test_promoting_says_at_once_what_is_missing(champions, client, name):
    with pytest.raises(NotApproved, match=rf"no tag approval=approved.*agro approve {name} 2"):
        champions.promote(name, 2, force=True)
    client.set_model_version_tag(name, "2", "approval", "approved")
    assert champions.promote(name, 2).number == 2


@pytest.mark.parametrize("setting", ["", "another"])
def test_where_no_approval_is_required_none_is_missed(champions, registry, name, setting, monkeypatch):
    monkeypatch.setenv("AGRO_ROLLOUT_APPROVAL_MODELS", setting)
    assert Champions(registry, champions.history).promote(name, 2).number == 2


def test_a_star_asks_for_every_model(champions, registry, name, monkeypatch):
    monkeypatch.setenv("AGRO_ROLLOUT_APPROVAL_MODELS", "*")
    with pytest.raises(NotApproved):
        Champions(registry, champions.history).promote(name, 2)


def test_a_champion_moved_in_mlflow_without_approval_is_put_back_with_the_reason_and_one_mail(
    champions, promoter, client, name
):
    champions.promote(name, 1)
    champions.history.append(Row(name, Event.SERVES, 1, "champion", "m:1-abcd1234"))
    client.set_registered_model_alias(name, "champion", "2")
    assert promoter.tick(name).what == "put_back"
    assert promoter.tick(name).what == "nothing"
    assert champions.registry.champion(name).number == 1
    said = client.get_model_version(name, "2").description
    assert said == f"A card.\n\n`champion` was put back: version 2 has no tag approval=approved, which {name} requires."
    (mail,) = promoter.world.mails()
    assert f"agro approve {name} 2" in mail
    row = champions.history.moves(name)[-1]
    assert (row.event, row.version, row.before) == ("put back", 1, 2)
    client.set_model_version_tag(name, "2", "approval", "approved")
    client.set_registered_model_alias(name, "champion", "2")
    assert promoter.next_step(name).what == "begin"


def test_where_no_champion_was_before_the_alias_is_taken_away(champions, promoter, client, name):
    client.set_registered_model_alias(name, "champion", "2")
    assert promoter.tick(name).what == "put_back"
    assert champions.observe(name) is None
    assert champions.history.moves(name)[-1].version is None
    assert promoter.tick(name).what == "nothing"


def test_of_two_that_are_not_approved_neither_is_put_back_to_the_other(champions, registry, client, name):
    champions.promote(name, 1)
    for number in ("2", "3"):
        client.set_registered_model_alias(name, "champion", number)
    champions.put_back(name, 3, None, "why")
    assert [row.version for row in champions.history.moves(name)] == [1, 2, 3, 1]
    client.set_registered_model_alias(name, "champion", "3")
    champions.put_back(name, 3, None, "why")
    assert registry.champion(name).number == 1
    assert client.get_model_version(name, "3").description.count("why") == 1


def test_what_serves_without_approval_since_before_it_was_asked_for_serves_on(champions, promoter, client, name):
    client.set_registered_model_alias(name, "champion", "2")
    champions.history.append(Row(name, Event.SERVES, 2, "champion", "m:2-abcd1234"))
    assert promoter.tick(name).what == "nothing"
    client.set_registered_model_alias(name, "champion", "3")
    assert promoter.tick(name).what == "put_back"
    assert champions.observe(name).number == 2


def test_a_champion_that_was_moved_on_meanwhile_is_left_alone(champions, client, name):
    champions.promote(name, 1)
    champions.put_back(name, 2, 1, "why")
    assert [row.event for row in champions.history.moves(name)] == ["promote"]


def test_a_rollback_passes_over_what_nobody_approved(champions, client, name):
    client.set_model_version_tag(name, "3", "approval", "approved")
    champions.promote(name, 1)
    client.set_registered_model_alias(name, "champion", "2")
    champions.promote(name, 3)
    assert champions.rollback(name).number == 1
