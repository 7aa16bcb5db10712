"""Versions that have to be approved before they serve, on a real MLflow: refused or let through."""

from uuid import uuid4

import pytest

from registry.errors import NotApproved
from rollout.champions import Champions
from rollout.history import History
from rollout.settings import HistorySettings


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


def test_a_rollback_passes_over_what_nobody_approved(champions, client, name):
    client.set_model_version_tag(name, "3", "approval", "approved")
    champions.promote(name, 1)
    client.set_registered_model_alias(name, "champion", "2")
    champions.promote(name, 3)
    assert champions.rollback(name).number == 1
