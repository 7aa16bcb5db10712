"""The whole loop on a small market, without network: the demo, then what a person does next on the same platform."""

import email
import email.policy
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e import pages, small_market
from tests.ports import free_port

pytestmark = pytest.mark.timeout(1200)  # a demo and a platform start in the first tests' fixtures

AGRO = str(Path(sys.executable).parent / "agro")
PORTS = (
    "AGRO_CLICKHOUSE_PORT AGRO_MLFLOW_PORT AGRO_PREFECT_PORT AGRO_SMTP_PORT "
    "AGRO_SERVING_RECOMMENDER_PORT AGRO_SERVING_FORECASTER_PORT AGRO_SERVING_LEAF_DISEASE_PORT"
).split()


def free_ports(count):
    return [str(free_port()) for _ in range(count)]


class World:
    """A platform in a folder and on ports of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = (
            os.environ | {"AGRO_HOME": str(folder / "home")} | dict(zip(PORTS, free_ports(7), strict=True))
        )

    def agro(self, *arguments, offline=False, timeout=900):
        command = [AGRO, *arguments]
        return subprocess.run(
            small_market.offline(command) if offline else command,
            env=self.environment, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip

    def sql(self, text):
        url = f"http://127.0.0.1:{self.environment['AGRO_CLICKHOUSE_PORT']}/"
        with urllib.request.urlopen(url, text.encode(), timeout=30) as answer:
            return answer.read().decode().strip()

    def post(self, url, body):
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as exc:
            return exc.code, json.load(exc)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.agro("down")


@pytest.fixture(scope="module")
def summary(world):
    """The demo, run with loopback alone; it stops the platform at its end."""
    data = small_market.write(world.folder / "data")
    answer = world.agro("demo", "--data", str(data), "--json", offline=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert "Traceback" not in answer.stderr
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def platform(world, summary):
    """The platform of the demo, started again."""
    answer = world.agro("up", "--json")
    assert answer.returncode == 0, answer.stderr[-2000:]
    return {row["part"]: row for row in json.loads(answer.stdout)}


def test_the_demo_writes_its_summary(world, summary):
    written = json.loads((world.folder / "home" / "demo" / "summary.json").read_text())
    assert written == summary
    assert set(summary["models"]) == {"recommender", "demand-forecaster", "leaf-disease"}
    for model in summary["models"].values():
        assert model["gate"]["passed"]
        assert model["answer"]["model_version"] == str(model["version"]) == "1"
        assert model["answer"]["prediction_id"]
        assert 0 < model["latency_ms"]["p50"] <= model["latency_ms"]["p95"]
        assert any(gain["low"] > 0 for gain in model["beats"].values())


def test_the_quiet_week_is_quiet_and_the_shifted_week_alarms_on_what_was_shifted(summary):
    assert not summary["drift"]["quiet"]["alarm"]
    assert summary["drift"]["shifted"]["alarms"] == ["known_price_usd"]


def test_the_mail_has_text_an_inline_picture_and_the_report(summary):
    mail = email.message_from_bytes(Path(summary["mail"]).read_bytes(), policy=email.policy.default)
    kinds = {part.get_content_type() for part in mail.walk()}
    assert {"text/plain", "text/html", "image/png"} <= kinds
    assert "demand-forecaster" in mail["Subject"]
    assert any(part.get_filename("").endswith(".html") for part in mail.iter_attachments())


def test_after_up_the_champions_serve_again(world, platform):
    status, answer = world.post(platform["recommender"]["url"] + "/api/v1/recommendations", {"user_id": "nobody"})
    assert status == 200
    assert len(answer["recommendations"]) == 10
    status, problem = world.post(
        platform["recommender"]["url"] + "/api/v1/recommendations", {"user_id": 5, "n_recommendations": 0}
    )
    assert status == 422
    assert {row["field"] for row in problem["errors"]} >= {"n_recommendations"}


def test_up_again_changes_nothing_and_doctor_finds_nothing(world, platform):
    assert world.agro("up", "--json").returncode == 0
    doctor = world.agro("doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_mlflow_page_of_a_model_shows_what_serves_and_asks_no_other_host(platform, size):
    text, asked = pages.read(platform["mlflow"]["url"] + "/#/models/recommender", "@ champion", size)
    assert "Version 1" in text
    assert asked == {"127.0.0.1"}


def test_the_drift_report_opens_without_network_and_begins_with_the_verdict(summary):
    text, asked = pages.read("file://" + summary["drift"]["shifted"]["report"], "Drift in known_price_usd", "phone")
    assert "known_price_usd moved up" in text
    assert asked == set()


def test_a_data_scientist_triggers_a_training_with_other_parameters_in_the_worker(world, platform):
    prefect = str(Path(AGRO).parent / "prefect")
    url = platform["prefect"]["url"] + "/api"
    environment = world.environment | {"PREFECT_API_URL": url, "PREFECT_HOME": str(world.folder / "pf")}
    answer = subprocess.run(
        [prefect, "deployment", "run", "train-recommender/local", "-p", "params={\"seed\": 3}", "--watch"],
        env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
    rows = json.loads(world.agro("models", "recommender", "--json").stdout)
    assert [row["number"] for row in rows] == [2, 1]
    assert "champion" in rows[1]["aliases"]


def test_a_person_promotes_serves_and_rolls_back(world, platform):
    assert world.agro("promote", "recommender", "2").returncode == 0
    served = world.agro("serve", "recommender", "--json")
    assert served.returncode == 0, served.stderr[-2000:]
    _, answer = world.post(platform["recommender"]["url"] + "/api/v1/recommendations", {"user_id": "nobody"})
    assert answer["model_version"] == "2"
    assert world.agro("rollback", "recommender").returncode == 0
    rows = json.loads(world.agro("models", "recommender", "--json").stdout)
    assert {row["number"]: "champion" in row["aliases"] for row in rows} == {1: True, 2: False}
    history = json.loads(world.agro("history", "recommender", "--json").stdout)
    assert [row["version"] for row in history] == ["2", "1"]


def test_everybody_is_answered_in_advance_once_even_by_two_runs_at_once(world, platform):
    command = [AGRO, "predict", "recommender", "--json"]
    both = [subprocess.Popen(command, env=world.environment, stdout=subprocess.PIPE) for _ in range(2)]
    told = [json.loads(each.communicate(timeout=600)[0]) for each in both]
    assert sorted(row["answered"] for row in told) == [0, 420]  # 210 users, two modes
    assert sorted(row["known"] for row in told) == [0, 420]
    assert world.sql("SELECT uniqExact(event_id), count() FROM agrologistic.batch_predictions").split() == ["420"] * 2


def test_the_champion_can_be_trained_again_from_its_lineage(world, platform):
    answer = world.agro("reproduce", "recommender", "--json")
    assert answer.returncode == 0, answer.stderr[-2000:]
    outcome = json.loads(answer.stdout)
    assert (outcome["same"], outcome["differ"]) == (True, [])
    assert outcome["metrics"]["metrics.ndcg@10"]["then"] > 0


def test_a_damaged_artifact_is_refused_and_the_old_one_keeps_serving(world, platform):
    for path in (world.folder / "home" / "mlflow").rglob("*"):
        if path.suffix == ".npz" and path.is_file():
            path.write_bytes(path.read_bytes()[:-10] + b"0123456789")
    answer = world.agro("serve", "recommender")
    assert answer.returncode == 2
    assert "digest" in answer.stderr and "Traceback" not in answer.stderr
    status, _ = world.post(platform["recommender"]["url"] + "/api/v1/recommendations", {"user_id": "nobody"})
    assert status == 200


def test_a_broken_contract_stops_the_training_and_leaves_the_champion(world, platform):
    bad = "INSERT INTO agrologistic.daily_demand (event_id, event_time, series_id, ds, y) "
    bad += "VALUES ('bad', now() - INTERVAL 30 DAY, 'spoiled-series', today() - 30, -5)"
    before = world.agro("models", "demand-forecaster", "--json").stdout
    world.sql(bad)
    answer = world.agro("train", "demand-forecaster")
    world.sql("DELETE FROM agrologistic.daily_demand WHERE event_id = 'bad'")
    assert answer.returncode == 4, answer.stderr
    assert "Traceback" not in answer.stderr
    assert "spoiled-series" in answer.stderr and " y" in answer.stderr
    assert world.agro("models", "demand-forecaster", "--json").stdout == before


def test_an_undeliverable_mail_is_kept_and_sent_by_the_next_run(world, platform, summary):
    home = world.folder / "home"
    week = summary["drift"]["shifted"]["week"]
    before = set((home / "mail").glob("*.eml"))
    unreachable = world.environment | {"AGRO_SMTP_PORT": free_ports(1)[0]}
    asked = [AGRO, "drift", "demand-forecaster", "--since", week, "--shift", "known_price_usd:2"]
    answer = subprocess.run(asked, env=unreachable, capture_output=True, text=True, timeout=600)
    assert answer.returncode == 3
    assert "outbox" in answer.stderr and "Traceback" not in answer.stderr
    assert len(list((home / "outbox").glob("*.eml"))) == 1
    answer = subprocess.run(asked, env=world.environment, capture_output=True, text=True, timeout=600)
    assert answer.returncode == 0, answer.stderr
    assert list((home / "outbox").glob("*.eml")) == []
    assert len(set((home / "mail").glob("*.eml")) - before) == 1  # the same verdict on the same week: one mail


def test_predictions_are_in_clickhouse(world, platform):
    sql = "SELECT uniqExact(prediction_id) FROM agrologistic.predictions WHERE model_name = 'recommender'"
    assert int(world.sql(sql)) >= 200
