"""A run that nobody watches tells people when it fails, and its page says what it does."""

from types import SimpleNamespace

import prefect
import pytest
from prefect.flow_engine import run_flow

from flows import catalogue, failures, reaper, records
from flows.failures import ALERTING, mail_failure
from flows.progress import part, tell
from flows.runtime import hand_over
from flows.training_report import published

pytestmark = pytest.mark.timeout(180)
OUTCOME = {
    "model": "recommender", "version": 3, "algorithm": "hybrid", "rows": 1200, "seconds": 4.2,
    "metrics": {"ndcg@10": 0.25}, "baselines": {"popularity": {"ndcg@10": 0.2}},
    "gate": {"passed": False, "reasons": ["no better than the champion"]},
}  # fmt: skip


@prefect.flow(name="fails", **ALERTING)
def fails(model: str, url: str | None = None):
    raise ValueError(f"{model} has no champion; asked {url} with s3cr3t-token\nsecond line")


@pytest.fixture
def triggered(prefect_client):
    """Runs a flow as the worker runs one of its deployment."""

    def run(flow, **parameters):
        flow_id = prefect_client.create_flow_from_name(flow.name)
        deployment = prefect_client.create_deployment(flow_id=flow_id, name="by-night")
        asked = prefect_client.create_flow_run_from_deployment(deployment, parameters=parameters)
        run_flow(flow, flow_run=asked, parameters=parameters, return_type="state")
        hand_over()
        return prefect_client.read_flow_run(asked.id)

    return run


def test_a_triggered_run_that_fails_writes_what_why_where_and_how_to_run_it_again(
    triggered, mail_server, monkeypatch, prefect_server
):
    monkeypatch.setenv("AGRO_SMTP_PORT", str(mail_server.port))
    monkeypatch.setenv("AGRO_SOME_TOKEN", "s3cr3t-token")
    run = triggered(fails, model="recommender", url="http://agro:hunter2@farm:8123")
    (mail,) = mail_server.mails().values()
    text = mail.get_content().replace("\r\n", "\n")
    assert mail["To"] == "ml-team@localhost"
    assert mail["Subject"] == f"[AgroLogistic] fails failed: run {run.name}"
    assert "fails failed: ValueError: recommender has no champion; asked http://***@farm:8123 with ***\n" in text
    assert f"{prefect_server.url.removesuffix('/api')}/v2/runs/flow-run/{run.id}" in text
    assert "prefect deployment run fails/by-night -p 'model=\"recommender\"'" in text
    assert "hunter2" not in text and "s3cr3t" not in text
    assert "second line" not in text and "Traceback" not in text


def test_a_run_at_a_terminal_writes_no_mail_and_a_mail_server_that_is_away_hides_no_failure(
    triggered, mail_server, monkeypatch, prefect_client
):
    monkeypatch.setenv("AGRO_SMTP_PORT", str(mail_server.port))
    assert fails("recommender", return_state=True).is_failed()
    assert mail_server.mails() == {}
    mail_server.stop()
    run = triggered(fails, model="recommender")
    assert run.state.is_failed()
    assert "recommender has no champion" in run.state.message


def test_every_flow_tells_of_its_failures():
    flows = [catalogue.find(name) for name in catalogue.FLOWS]
    assert all(flow.on_failure_hooks == flow.on_crashed_hooks == [mail_failure] for flow in flows)


def test_a_runs_log_says_what_the_bar_says_a_line_a_step_and_its_page_has_the_figures(
    triggered, prefect_client, monkeypatch
):
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, LogFilter, LogFilterFlowRunId

    monkeypatch.setenv("AGRO_MLFLOW_PORT", "5000")
    env = SimpleNamespace(registry=SimpleNamespace(version=lambda name, number: SimpleNamespace(run_id="abc")))

    @prefect.flow(name="trains")
    def trains():
        tell(0.02, "reading interactions")
        epochs = part(0.2, 0.8)
        for epoch in range(300):
            epochs(epoch / 300, f"epoch {epoch} of 300")
        return published(env, OUTCOME)

    run = triggered(trains)
    lines = prefect_client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])))
    said = [line.message for line in lines if "%" in line.message]
    assert said == ["  2 %  reading interactions", " 20 %  epoch 0 of 300"]
    (page,) = prefect_client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    )
    for words in (
        "# recommender version 3: gate FAILED", "- no better than the champion", "| hybrid | 0.2500 |",
        "| popularity | 0.2000 |", "(http://127.0.0.1:5000/#/models/recommender/versions/3)",
        "(http://127.0.0.1:5000/#/runs/abc)",
    ):  # fmt: skip
        assert words in page.data


def test_a_reason_without_words_is_said():
    assert failures.one_line("") == "no reason was given"


def test_a_run_whose_process_died_without_a_word_is_mailed_once(prefect_client, mail_server, monkeypatch):
    monkeypatch.setenv("AGRO_SMTP_PORT", str(mail_server.port))
    flow_id = prefect_client.create_flow_from_name("check-drift")
    deployment = prefect_client.create_deployment(flow_id=flow_id, name="by-night")
    run = prefect_client.create_flow_run_from_deployment(deployment)
    dead = records.Record(str(run.id), f"check-drift {run.name}", pid=2**22 + 1, created=0.0)
    for _ in range(2):  # as where the worker, or a look that was broken off, has marked it already
        records.keep(dead)
        reaper.reap()
    (mail,) = mail_server.mails().values()
    assert mail["Subject"] == f"[AgroLogistic] check-drift crashed: run {run.name}"
    assert "without a word" in mail.get_content()
