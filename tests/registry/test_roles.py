"""Who may do what on a real MLflow with its authentication on: each role logs in and tries."""

import base64
import json
from uuid import uuid4

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from pydantic import ValidationError

from registry.registry import Registry
from registry.roles import accounts, is_reserved
from registry.settings import MLflowSettings
from rollout.champions import Champions
from rollout.history import History
from rollout.settings import HistorySettings
from tests.fixtures.mlflow import running_mlflow

PASSWORDS = {"ada": "ada-promotes-models", "dan": "dan-learns-from-data"}
ALIAS, RENAME = "registered-models/alias", "registered-models/rename"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """MLflow with authentication; `ada` may promote, `dan` may not."""
    with running_mlflow(tmp_path_factory.mktemp("roles"), auth=True, promoters=("ada",)) as settings:
        admin = ("admin", settings.admin_password.get_secret_value())
        for name, password in PASSWORDS.items():
            account = {"username": name, "password": password}
            requests.post(f"{settings.uri}/api/2.0/mlflow/users/create", json=account, auth=admin).raise_for_status()
        yield settings


@pytest.fixture(scope="module")
def ours(server):
    """Our own programs, which log in by the platform's secret."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            patch.setenv(name, "")
            patch.delenv(name)
        yield Registry.connect(server)


@pytest.fixture(scope="module")
def name(ours):
    """A model of two versions, the first of them champion; tests leave it so."""
    made = f"m-{uuid4().hex[:8]}"
    with ours._mlflow.client() as client:
        client.create_registered_model(made)
        for _ in range(2):
            client.create_model_version(made, "s3://nowhere/model")
        client.set_registered_model_alias(made, "champion", "1")
    return made


@pytest.fixture
def client(server, name, monkeypatch):
    """Logs in as somebody."""

    def log_in(who):
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", who)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORDS[who])
        return MlflowClient(server.uri, server.uri)

    return log_in


def ask(server, method, path, body, auth=("dan", PASSWORDS["dan"]), api="api", **headers):
    content = body if isinstance(body, str) else json.dumps(body)
    sent = {"content-type": "application/json"} | headers
    url = f"{server.uri}/{api}/2.0/mlflow/{path}"
    return requests.request(method, url, data=content, auth=auth, headers=sent, timeout=30).status_code


def test_a_promoter_moves_champion_and_approves(client, name):
    ada = client("ada")
    ada.set_registered_model_alias(name, "champion", "2")
    ada.set_model_version_tag(name, "2", "approval", "approved")
    assert ada.get_model_version_by_alias(name, "champion").version == "2"
    ada.set_registered_model_alias(name, "champion", "1")


def test_the_history_says_which_account_moved_champion(ours, client, name, tmp_path):
    history = History.open(HistorySettings(file=tmp_path / "history.db", records=tmp_path / "none"))
    champions = Champions(ours, history)
    champions.observe(name)
    ada = client("ada")
    for number in ("2", "1"):
        ada.set_registered_model_alias(name, "champion", number)
    champions.observe(name)
    assert [(row.version, row.who) for row in history.moves(name)[-2:]] == [(2, "ada"), (1, "ada")]


def test_a_data_scientist_logs_runs_and_registers_versions_but_moves_no_champion(client, name):
    dan = client("dan")
    run = dan.create_run(dan.create_experiment(f"of-dan-{name}"))
    dan.log_metric(run.info.run_id, "ndcg", 0.5)
    number = dan.create_model_version(name, f"runs:/{run.info.run_id}/model", run.info.run_id).version
    dan.set_model_version_tag(name, number, "algorithm", "mine")
    dan.set_registered_model_alias(name, "candidate", number)
    for attempt in (
        lambda: dan.set_registered_model_alias(name, "champion", number),
        lambda: dan.delete_registered_model_alias(name, "champion"),
        lambda: dan.set_model_version_tag(name, number, "approval", "approved"),
        lambda: dan.create_model_version(name, "s3://x/y", tags={"approval": "approved"}),
        lambda: dan.delete_model_version_tag(name, "1", "rollout"),
        lambda: dan.set_registered_model_tag(name, "champion.moved.2026-01-01", "{}"),
        lambda: dan.rename_registered_model(name, f"{name}-old"),
    ):
        with pytest.raises(MlflowException, match="only a promoter"):
            attempt()
    assert dan.get_model_version_by_alias(name, "champion").version == "1"


def test_no_other_spelling_of_the_request_moves_champion(server, client, name):
    move = {"name": name, "alias": "champion", "version": "2"}
    twice = json.dumps(json.dumps(move))
    for method, body, api in (
        ("POST", move, "ajax-api"),
        ("POST", twice, "api"),
        ("POST", f'{{"alias": "mine", "name": "{name}", "version": "2", "alias": "champion"}}', "api"),
        ("DELETE", move, "ajax-api"),
        ("POST", "no json", "api"),
    ):
        assert ask(server, method, ALIAS, body, api=api) == 403
    assert ask(server, "POST", ALIAS + "/", move) in (403, 404, 405)
    assert ask(server, "POST", "x/../" + ALIAS, move) in (403, 404, 405)
    assert ask(server, "POST", "/" + ALIAS, move) in (403, 404, 405)
    assert client("ada").get_model_version_by_alias(name, "champion").version == "1"


def test_a_promoters_name_without_the_password_is_nobody(server, client, name):
    move = {"name": name, "alias": "champion", "version": "2"}
    assert ask(server, "POST", ALIAS, move, auth=("ada", "guessed-by-dan")) == 401
    assert ask(server, "POST", ALIAS, move, auth=None) == 401
    assert ask(server, "GET", "registered-models/search", {}, auth=None) == 401
    token = base64.b64encode(b"ada:x").decode()
    assert ask(server, "POST", ALIAS, move, auth=None, authorization=f"Bearer {token}") == 403
    assert client("ada").get_model_version_by_alias(name, "champion").version == "1"


def test_our_front_stays_before_the_authentication(server):
    foreign = {"origin": "http://localhost:8888"}
    assert ask(server, "POST", "registered-models/search", {}, **foreign) == 403
    assert requests.post(f"{server.uri}/gateway/x/mlflow/invocations", json={}, timeout=10).status_code == 404


def test_our_own_programs_log_in_by_the_secret_of_the_first_start(ours, name):
    assert ours.champion(name).number == 1
    ours.tag(name, 1, "rollout", "live")


def test_the_environments_account_goes_before_the_platforms(server, client, name):
    client("dan")
    registry = Registry.connect(server)
    with pytest.raises(Exception, match="only a promoter"):
        registry.tag(name, 1, "approval", "approved")


def test_promoters_without_authentication_are_a_mistake_that_is_told():
    with pytest.raises(ValidationError, match="AGRO_MLFLOW_AUTH=true"):
        MLflowSettings(promoters=("ada",))


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b'{"tags": 3}', b'{"key": 7}', b"\xff"])
def test_what_cannot_be_read_is_reserved(body):
    assert is_reserved("/api/2.0/mlflow/model-versions/set-tag", body)


def test_two_accounts_in_one_request_are_not_one_promoter():
    headers = [(b"authorization", b"Basic " + base64.b64encode(who)) for who in (b"ada:x", b"dan:y")]
    assert accounts({"headers": headers}) == ["ada", "dan"]
