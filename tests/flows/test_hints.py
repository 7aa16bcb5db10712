"""MLflow's hints, with a real MLflow and a real Prefect: what starts the promotion of a champion, and what does not."""

import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
import requests
import uvicorn
from pydantic import SecretStr

from flows import hints
from flows.settings import WebhookSettings
from models import families
from registry.hints import DELIVERY, SIGNATURE, TIMESTAMP, signature
from registry.webhooks import NAME
from tests.ports import free_port
from tests.programs import started

SECRET = "known-to-mlflow-and-us"


@contextmanager
def receiving(**settings):
    """The receiver on a port of its own, in this process."""
    known = WebhookSettings(port=free_port(), **settings)
    app = hints.application(known, SecretStr(SECRET))
    server = uvicorn.Server(uvicorn.Config(app, port=known.port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield known
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def receiver():
    with receiving() as settings:
        yield settings


@pytest.fixture
def model(monkeypatch):
    """A registered model of ours that only this test knows."""
    name = f"hinted-{uuid4().hex[:8]}"
    monkeypatch.setitem(families.models(), name, replace(families.registered("recommender"), name=name))
    return name


@pytest.fixture
def deployment(prefect_client, monkeypatch, on_prefect):
    """A deployment that takes a model, under a name of this test's own."""
    flow = prefect_client.create_flow_from_name(f"promote-{uuid4().hex[:6]}")
    made = prefect_client.create_deployment(flow, "promote-champion", parameters={"again": False})
    name = f"{prefect_client.read_flow(flow).name}/promote-champion"
    monkeypatch.setattr(hints, "DEPLOYMENT", name)
    return made


@pytest.fixture
def runs(prefect_client, deployment):
    """What the runs that were started are given."""
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

    def read():
        wanted = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
        return [run.parameters for run in prefect_client.read_flow_runs(deployment_filter=wanted)]

    return read


@pytest.fixture
def client(mlflow_settings):
    from mlflow import MlflowClient

    one = MlflowClient(mlflow_settings.uri, mlflow_settings.uri)
    yield one
    for webhook in one.list_webhooks():
        one.delete_webhook(webhook.webhook_id)


def versions(client, name):
    client.create_registered_model(name)
    for _ in range(2):
        client.create_model_version(name, "s3://nowhere/model")


def body(model, alias="champion", version="2"):
    said = {"entity": "model_version_alias", "action": "created", "timestamp": "now"}
    return json.dumps(said | {"data": {"name": model, "alias": alias, "version": version}}).encode()


def send(receiver, content, *, secret=SECRET, delivery=None, age_s=0, **headers):
    delivery, stamp = delivery or uuid4().hex, str(int(time.time()) - age_s)
    signs = {DELIVERY: delivery, TIMESTAMP: stamp, SIGNATURE: signature(secret, delivery, stamp, content)}
    sent = {"content-type": "application/json"} | signs | headers
    return httpx.post(receiver.url, content=content, headers=sent, timeout=30)


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_champion_moved_in_mlflow_starts_its_promotion_within_seconds(registry, client, receiver, model, runs):
    registry.tell(receiver.url, SECRET)
    versions(client, model)
    client.set_registered_model_alias(model, "candidate", "1")
    client.set_registered_model_alias(model, "champion", "2")
    until(runs)
    assert runs() == [{"again": False, "model": model}]


def test_mlflow_is_told_once_however_often_and_of_the_newest_address(registry, client):
    for url in ("http://127.0.0.1:1/hints", "http://127.0.0.1:2/hints", "http://127.0.0.1:2/hints"):
        registry.tell(url, SECRET)
    client.create_webhook(NAME, "http://127.0.0.1:3/hints", ["model_version_alias.created"])  # two at once
    registry.tell("http://127.0.0.1:2/hints", SECRET)
    assert [webhook.url for webhook in client.list_webhooks()] == ["http://127.0.0.1:2/hints"]


def test_without_a_receiver_an_alias_moves_as_ever(registry, client, model):
    registry.tell(f"http://127.0.0.1:{free_port()}/hints", SECRET)
    versions(client, model)
    client.set_registered_model_alias(model, "champion", "2")
    assert registry.champion(model).number == 2


def test_a_delivery_that_comes_again_starts_nothing_again(receiver, model, runs):
    told = [send(receiver, body(model), delivery="d-" + model) for _ in range(3)]
    assert [answer.json()["outcome"] for answer in told] == ["started", "known", "known"]
    assert len(runs()) == 1
    assert send(receiver, body(model)).json()["outcome"] == "started"
    assert len(runs()) == 2


@pytest.mark.parametrize(("alias", "name"), [("challenger", None), ("champion", "somebody-elses")])
def test_what_concerns_no_champion_of_ours_is_ignored(receiver, model, runs, alias, name):
    assert send(receiver, body(name or model, alias)).json() == {"outcome": "ignored"}
    assert runs() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"secret": "guessed"}, "not MLflow's"),
        ({"age_s": 301}, "more than 300 s ago"),
        ({"age_s": -400}, "or will be"),
        ({TIMESTAMP: str(int(time.time()) + 3)}, "not MLflow's"),
        ({DELIVERY: "another"}, "not MLflow's"),
        ({SIGNATURE: "v1,"}, "not MLflow's"),
        ({SIGNATURE: ""}, "have to come with it"),
    ],
    ids=["secret", "too old", "too early", "other time", "other delivery", "empty", "none"],
)
def test_what_mlflow_did_not_sign_a_moment_ago_is_401(receiver, model, runs, change, words):
    answer = send(receiver, body(model), **change)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert words in answer.json()["detail"] and SECRET not in answer.text
    assert runs() == []


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"garbage", {}, 422),
        (b'{"entity": "x", "action": "y", "data": {"name": "m", "alias": "champion", "version": "-1"}}', {}, 422),
        (b"[" * 10_000, {}, 422),
        (b" " * 20_000, {}, 413),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"host": "evil.example"}, 403),
        (b"{}", {"origin": "http://localhost:8888"}, 403),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused_with_a_reason(receiver, content, headers, status):
    answer = send(receiver, content, **headers)
    assert answer.status_code == status
    assert answer.json()["errors"]


def test_without_the_deployment_a_hint_is_logged_and_no_fault(receiver, model, on_prefect, monkeypatch, caplog):
    monkeypatch.setattr(hints, "DEPLOYMENT", "promote/nobody-deployed-it")
    answer = send(receiver, body(model))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "not started")
    assert "Prefect has no deployment promote/nobody-deployed-it" in caplog.text
    assert SECRET not in caplog.text


def test_while_prefect_is_away_mlflow_is_asked_to_try_again(receiver, model, monkeypatch):
    monkeypatch.setenv("AGRO_PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
    answer = send(receiver, body(model))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_the_program_keeps_its_secret_out_of_its_log_and_its_answers(tmp_path):
    settings = WebhookSettings(port=free_port())
    environment = os.environ | {"AGRO_HOME": str(tmp_path), "AGRO_WEBHOOK_PORT": str(settings.port)}
    environment.pop("AGRO_MLFLOW_WEBHOOK_SECRET")
    with started([sys.executable, "-m", "flows.hints"], environment, tmp_path / "log") as process:
        until(lambda: process.poll() is None and ready(settings))
        secret = (tmp_path / "secrets" / "mlflow-webhook").read_text().strip()
        assert send(settings, body("recommender"), secret="forged").status_code == 401
        told = send(settings, body("recommender", "challenger"), secret=secret)
        assert told.json() == {"outcome": "ignored"}
    assert secret not in (tmp_path / "log").read_text() + told.text


def ready(settings):
    try:
        return requests.get(f"http://127.0.0.1:{settings.port}/readyz", timeout=1).status_code == 200
    except requests.ConnectionError:
        return False
