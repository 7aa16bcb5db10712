"""The whole loop on a small market, without network: the demo, then what a person does next on the same platform."""

import email
import email.policy
import json
import subprocess
from pathlib import Path

import pytest

from monitoring.outbox import Outbox
from monitoring.settings import MailSettings
from tests.e2e import pages
from tests.e2e.conftest import BIN
from tests.ports import free_port

pytestmark = pytest.mark.timeout(1200)  # a demo and a platform start in the first tests' fixtures


def test_the_demo_writes_its_summary(world, summary):
    written = json.loads((world.folder / "home" / "demo" / "summary.json").read_text())
    assert written == summary
    assert set(summary["models"]) == {"recommender", "demand-forecaster", "leaf-disease"}
    gates = {name: model["gate"]["outcome"] for name, model in summary["models"].items()}
    assert gates == {"recommender": "passed", "demand-forecaster": "cannot tell", "leaf-disease": "passed"}
    for model in summary["models"].values():
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


def versions(world):
    return json.loads(world.agro("models", "recommender", "--json").stdout)


def test_a_person_promotes_serves_and_rolls_back(world, platform):
    url = platform["recommender"]["url"] + "/api/v1/recommendations"
    before = world.post(url, {"user_id": "nobody"})[1]["model_version"]
    promoted = world.agro("promote", "recommender", "1")
    if before != "1":
        remark = f"recommender serves version {before}, champion is version 1; `agro serve recommender`"
        assert remark in promoted.stderr
    other = next(row["number"] for row in versions(world) if row["number"] != 1 and row["gate"] != "failed")
    assert world.agro("promote", "recommender", str(other)).returncode == 0
    back = world.agro("rollback", "recommender", "--serve", "--json")
    assert back.returncode == 0, back.stderr[-2000:]
    assert json.loads(back.stdout)["serves"] == 1
    assert world.post(url, {"user_id": "nobody"})[1]["model_version"] == "1"
    assert [row["number"] for row in versions(world) if "champion" in row["aliases"]] == [1]
    history = json.loads(world.agro("history", "recommender", "--json").stdout)
    told = [(row["event"], row["version"]) for row in history if row["event"] in ("serve", "rollback")]
    assert told[:2] == [("serve", 1), ("rollback", 1)]


def test_everybody_is_answered_in_advance_once_even_by_two_runs_at_once(world, platform):
    command = [str(BIN / "agro"), "predict", "recommender", "--batch", "at-once", "--json"]
    both = [subprocess.Popen(command, env=world.environment, stdout=subprocess.PIPE) for _ in range(2)]
    told = [json.loads(each.communicate(timeout=600)[0]) for each in both]
    everybody = sum(row["answered"] for row in told)
    assert everybody >= 420  # 210 users at least, two modes
    assert sorted(row["answered"] for row in told) == sorted(row["known"] for row in told) == [0, everybody]
    sql = "SELECT uniqExact(event_id), count() FROM agrologistic.batch_predictions WHERE batch_id = 'at-once'"
    assert world.sql(sql).split() == [str(everybody)] * 2


def test_a_damaged_artifact_is_refused_and_the_old_one_keeps_serving(world, platform):
    for path in (world.folder / "home" / "mlflow").rglob("*"):
        if path.suffix == ".npz" and path.is_file():
            path.write_bytes(path.read_bytes()[:-10] + b"0123456789")
    built = {path.name.split("-")[0] for path in (world.home / "bentoml" / "bentos" / "recommender").iterdir()}
    other = next(str(row["number"]) for row in versions(world) if str(row["number"]) not in built)
    answer = world.agro("serve", "recommender", other)
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
    moved = json.loads(world.agro("quarantine", "demand", "--json").stdout)["moved"]
    assert [row["rows"] for row in moved] == [1]
    assert answer.returncode == 4, answer.stderr
    assert answer.stderr.strip().endswith("`agro quarantine demand`")
    assert "Traceback" not in answer.stderr
    assert "spoiled-series" in answer.stderr and " y" in answer.stderr
    assert world.agro("models", "demand-forecaster", "--json").stdout == before


def test_an_undeliverable_mail_is_kept_and_sent_by_the_next_run(world, platform, summary):
    home = world.folder / "home"
    week = summary["drift"]["shifted"]["week"]
    before = set((home / "mail").glob("*.eml"))
    asked = ["drift", "demand-forecaster", "--since", week, "--shift", "known_price_usd:2"]
    answer = world.agro(*asked, AGRO_SMTP_PORT=str(free_port()))
    assert answer.returncode == 3
    assert "outbox" in answer.stderr and "Traceback" not in answer.stderr
    assert len(list((home / "outbox").glob("*.eml"))) == 1
    port = int(world.environment.get("AGRO_SMTP_PORT", "1025"))
    sent = Outbox(MailSettings(port=port, outbox=home / "outbox")).send().sent  # as every drift run does
    assert len(sent) == 1 and list((home / "outbox").glob("*.eml")) == []
    assert len(set((home / "mail").glob("*.eml")) - before) == 1


def test_predictions_are_in_clickhouse(world, platform):
    sql = "SELECT uniqExact(prediction_id) FROM agrologistic.predictions WHERE model_name = 'recommender'"
    assert int(world.sql(sql)) >= 200
