import json
import logging
import threading
from dataclasses import dataclass, field

import pytest

from bentos import predictor as predictors
from bentos.loading import Loaded
from bentos.manifest import Manifest
from bentos.predictor import Predictor
from bentos.settings import ServingSettings
from models.errors import BadImage, BadRequest, HistoryTooShort
from registry import digests


@dataclass
class FakeLog:
    written: list = field(default_factory=list)

    def write(self, prediction):
        self.written.append(prediction)


@pytest.fixture
def predictor(tmp_path):
    """A predictor with a model that says what it is asked to."""
    one = Predictor(
        "recommender", "recommender", 1, ServingSettings(folders={"recommender": tmp_path}, log_predictions=False)
    )
    one.loaded = Loaded(Manifest("recommender", "3", "d" * 64), object())
    one.log = FakeLog()
    return one


def said(predictor, ask, **how):
    response = predictor.answer(ask, {"asked": 1}, **how)
    return response.status_code, json.loads(response.body)


def raising(error):
    def ask(model):
        raise error

    return ask


def test_an_answer_is_stamped_and_logged_as_it_was_given(predictor):
    status, body = said(predictor, lambda model: {"x": 1.5}, user_id="u")
    logged = predictor.log.written[0]
    assert status == 200
    assert (body["x"], body["model_version"], body["arm"]) == (1.5, "3", "champion")
    assert (logged.prediction_id, logged.user_id, logged.response) == (body["prediction_id"], "u", {"x": 1.5})
    assert (logged.model_name, logged.model_version, logged.request) == ("recommender", "3", {"asked": 1})
    assert logged.latency_ms >= 0
    assert logged.predicted_at.tzinfo is not None


def test_the_log_keeps_the_trace_that_a_request_belongs_to(predictor):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    predictors.TRACEPARENT.set(trace)
    said(predictor, lambda model: {"x": 1.5})
    predictors.TRACEPARENT.set("")
    said(predictor, lambda model: {"x": 1.5})
    assert [one.traceparent for one in predictor.log.written] == [trace, ""]


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (BadRequest("mode", "send discover"), 422, "mode"),
        (BadImage("file", "send a photograph", 415), 415, "file"),
        (BadImage("file", "send a smaller copy", 413), 413, "file"),
        (HistoryTooShort("give 10 numbers"), 422, "historical_data"),
    ],
)
def test_what_the_model_cannot_answer_is_the_callers_to_mend(predictor, error, status, name):
    """Guards P31."""
    came, body = said(predictor, raising(error))
    assert came == status
    assert body["errors"][0]["field"] == name
    assert predictor.log.written == []


@pytest.mark.parametrize("ask", [raising(KeyError("inner")), lambda model: {"x": float("nan")}, lambda model: None])
def test_a_fault_is_ours_and_its_details_stay_in_the_log(predictor, ask, caplog):
    """Guards P31: a model that fails, or answers what is no JSON, is never shown to the caller."""
    predictors.REQUEST_ID.set("request-9")
    with caplog.at_level(logging.ERROR, logger="bentoml.agrologistic"):
        status, body = said(predictor, ask)
    assert status == 500
    assert body["errors"] == [] and "inner" not in json.dumps(body)
    assert body["request_id"] == "request-9" and "request-9" in caplog.text


def test_work_that_was_given_up_keeps_its_place_until_it_is_done(predictor, monkeypatch):
    """Guards P32 and P33: callers who leave never make more run at a time than there are threads."""
    monkeypatch.setattr(predictors, "PATIENCE_S", 0.05)
    begun, finish = threading.Event(), threading.Event()

    def heavy(model):
        begun.set()
        finish.wait(10)
        return {}

    thread = threading.Thread(target=said, args=(predictor, heavy))
    thread.start()
    begun.wait(10)
    status, body = said(predictor, lambda model: {"x": 1})
    assert (status, body["type"].rpartition(":")[2]) == (503, "busy")
    finish.set()
    thread.join()
    assert said(predictor, lambda model: {"x": 1})[0] == 200


def test_a_desk_without_a_manifest_says_why(tmp_path):
    """Guards P30."""
    empty = Predictor(
        "recommender", "recommender", 1, ServingSettings(folders={"recommender": tmp_path}, log_predictions=False)
    )
    assert empty.status()["ready"] is False
    assert "manifest.json is missing" in empty.refusal


def test_a_golden_request_that_cannot_be_answered_keeps_the_desk_closed(artifacts, tmp_path):
    import shutil

    folder, _ = artifacts["recommender"]
    shutil.copytree(folder, tmp_path / "artifact")
    (tmp_path / "artifact" / "golden.json").write_text('[{"request": {"user_id": ""}, "answer": {}}]')
    Manifest("recommender", "7", digests.write_manifest(tmp_path / "artifact")).write(tmp_path)
    closed = Predictor(
        "recommender", "recommender", 1, ServingSettings(folders={"recommender": tmp_path}, log_predictions=False)
    )
    assert "user_id" in closed.refusal


def test_a_model_of_which_the_process_was_given_no_version_says_how_to_serve_one(tmp_path):
    """Another model of the same service may have been promoted first."""
    settings = ServingSettings(digests={"yield-predictor": "d" * 64}, log_predictions=False)
    alone = Predictor("forecaster", "demand-forecaster", 1, settings)
    assert not alone.given and alone.loaded is None
    assert "`agro serve demand-forecaster`" in alone.refusal
