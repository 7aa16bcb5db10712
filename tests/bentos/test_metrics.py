"""What a scraper learns of a service, and that dashboard and alerts speak of nothing else."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from bentos import endpoint
from bentos.metrics import LABELS, OUTCOMES, REQUESTS, SECONDS
from tests.bentos.test_endpoint import ROUTE, Ask
from tests.web.services import Held

MONITORING = Path(__file__).parent.parent.parent / "k8s" / "monitoring"
WORDS = {"sum", "rate", "by", "le", "histogram_quantile", "max", "min", "time", "label_values", "or", "on", "and"}


def samples(text):
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


def counted(text, model):
    found = [one for one in samples(text) if one.name == REQUESTS and one.labels["model"] == model]
    return {(one.labels["version"], one.labels["arm"], one.labels["outcome"]): one.value for one in found}


class Answering(Held):
    def status(self):
        return super().status() | {"arm": "canary"}


def test_each_question_is_counted_by_how_it_ended_and_answers_alone_are_timed(monkeypatch):
    from prometheus_client import generate_latest

    held, said = Answering("metered"), {"status": 200}

    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": said["status"], "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    monkeypatch.setattr(endpoint, "_predictors", lambda: {ROUTE: held})
    client = TestClient(endpoint.dressed(inner, None, {ROUTE: Ask}), "http://127.0.0.1")
    for said["status"] in (200, 200, 429, 503, 500):
        client.post(ROUTE, json={"n": 3})
    client.post(ROUTE, json={"n": "three"})
    client.get("/healthz")
    text = generate_latest().decode()
    ended = {"answered": 2, "busy": 2, "failed": 1, "refused": 1}
    assert counted(text, "metered") == {("3", "canary", outcome): n for outcome, n in ended.items()}
    timed = [one.value for one in samples(text) if one.name == f"{SECONDS}_count" and one.labels["model"] == "metered"]
    assert timed == [2]


def test_a_service_tells_its_model_version_and_arm(served):
    running = served["recommender"]
    before = counted(running.client.get("/metrics").text, "recommender")
    for user in ("u001", ""):
        running.ask({"user_id": user})
    after = counted(running.client.get("/metrics").text, "recommender")
    for outcome in ("answered", "refused"):
        key = ("7", "champion", outcome)
        assert after[key] == before.get(key, 0) + 1


def rules():
    groups = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions():
    yield from (rule["expr"] for rule in rules())
    board = json.loads((MONITORING / "dashboard.json").read_text())
    yield from (target["expr"] for panel in board["panels"] for target in panel.get("targets", ()))
    yield from (one["query"] for one in board["templating"]["list"] if one["type"] == "query")


@pytest.fixture(scope="module")
def told(served):
    """Every name of a sample that the services show, with its labels."""
    found = {}
    for running in served.values():
        for one in samples(running.client.get("/metrics").text):
            found.setdefault(one.name, set()).update(one.labels)
    return found


def names(expression):
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on) \([^)]*\)', " ", expression)
    return set(re.findall(r"\b[a-z_:]+[a-z]\b", bare)) - WORDS


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_dashboard_and_alerts_ask_for_what_there_is(told, expression):
    asked = {name for name in names(expression) if name not in LABELS}
    assert asked, expression
    drift = {name for name in asked if name.startswith("agro_drift_")}
    assert asked - drift <= set(told), expression
    source = (MONITORING.parent.parent / "monitoring" / "metrics.py").read_text()
    assert all(f'gauge("{name.removeprefix("agro_drift_")}"' in source for name in drift)
    used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", expression))
    assert used <= {"model", "version", "arm", "outcome", "le", "instance", "job", "service"}
    outcomes = set(re.findall(r'outcome=~?"([^"]+)"', expression))
    assert {one for text in outcomes for one in text.split("|")} <= set(OUTCOMES)


def test_every_alert_says_what_happened_and_what_to_do():
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"] and rule["annotations"]["description"] and rule["for"]
