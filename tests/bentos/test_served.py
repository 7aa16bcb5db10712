"""Real Bento processes of real models, asked over HTTP."""

import json
import signal
import socket
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from io import BytesIO

import httpx
import numpy as np
import pandas as pd
import pytest

from bentos.check import differences
from features.batches import Batch
from features.store import Store
from flows import predict
from models.families import family, models
from registry import digests
from tests.foreign_page import EVIL, foreign_pages

STAMPS = {"model_version", "arm", "prediction_id"}
JSON = {"Content-Type": "application/json"}


def payload(name, photographs):
    """A good request of each service, as httpx wants it."""
    return {
        "recommender": {"json": {"user_id": "u001"}},
        "demand-forecaster": {
            "json": {
                "historical_data": [float(20 + day % 7 + day * day % 5) for day in range(90)],
                "start": "2026-01-01",
                "freq": "D",
                "periods": 7,
            }
        },
        "leaf-disease": {"files": {"file": ("leaf.jpg", photographs[0][1])}},
    }[name]


@pytest.mark.parametrize("name", models())
def test_an_answer_carries_version_arm_and_a_prediction_id_of_its_own(served, photographs, name):
    first, second = (served[name].ask(**payload(name, photographs)) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.json()["model_version"] == "7"
    assert first.json()["arm"] == "champion"
    assert len(first.json()["prediction_id"]) == 36
    assert first.json()["prediction_id"] != second.json()["prediction_id"]
    assert differences({k: v for k, v in first.json().items() if k not in STAMPS}, second.json()) == []


def test_recommendations_are_as_many_as_asked_best_first(served):
    answer = served["recommender"].ask({"user_id": "nobody", "n_recommendations": 3}).json()
    scores = [entry["score"] for entry in answer["recommendations"]]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert set(answer["recommendations"][0]) == {"product_id", "score", "reason"}


def test_excluded_items_are_not_recommended(served):
    first = served["recommender"].ask({"user_id": "nobody"}).json()["recommendations"][0]["product_id"]
    again = served["recommender"].ask({"user_id": "nobody", "exclude_items": [first]}).json()["recommendations"]
    assert first not in [entry["product_id"] for entry in again]


def test_a_forecast_has_a_point_a_period_inside_its_interval(served, photographs):
    answer = served["demand-forecaster"].ask(**payload("demand-forecaster", photographs)).json()
    assert len(answer["points"]) == 7
    assert all(point["lower"] <= point["yhat"] <= point["upper"] for point in answer["points"])


def test_a_photograph_gets_a_label_with_sourced_advice(served, photographs):
    answer = served["leaf-disease"].ask(files={"file": ("leaf.jpg", photographs[0][1])}).json()
    assert answer["predicted_disease"] in {"bean__healthy", "corn__rust", "unsure"}
    assert 0 <= answer["confidence"] <= 1
    assert answer["treatment"] and answer["prevention"] and answer["source"]


@pytest.mark.parametrize("name", models())
def test_readiness_says_model_version_and_digest(served, artifacts, name):
    """Guards P30."""
    said = served[name].client.get("/readyz").json()
    assert said["ready"] is True
    assert (said["model"], said["model_version"], said["digest"]) == (name, "7", artifacts[name][1])


@pytest.mark.parametrize("name", models())
def test_live_metrics_docs_and_front_page_are_there(served, name):
    client = served[name].client
    assert client.get("/livez").status_code == 200
    assert "bentoml_service_request_total" in client.get("/metrics").text
    operation = client.get("/docs.json").json()["paths"][models()[name].route]["post"]
    assert set(operation["responses"]) == {"200", "413", "415", "422", "500", "503"}
    assert client.get("/static_content/swagger-ui-bundle.js").status_code == 200
    assert "googletagmanager" not in client.get("/").text


BIG = b'{"user_id": "' + b"x" * 20_000_000 + b'"}'
BAD = {
    "recommender": [
        ({"json": {"user_id": "u", "n_recommendations": -1}}, 422, "n_recommendations"),
        ({"content": b'{"user_id": "u", "n_recommendations": NaN}', "headers": JSON}, 422, "n_recommendations"),
        ({"json": {"user_id": "u", "n_recommendations": 10**12}}, 422, "n_recommendations"),
        ({"json": {"user_id": 5}}, 422, "user_id"),
        ({"json": {}}, 422, "user_id"),
        ({"json": {"user_id": " "}}, 422, "user_id"),
        ({"json": {"user_id": "u", "sort": "asc"}}, 422, "sort"),
        ({"content": b'{"user_id": ', "headers": JSON}, 422, "body"),
        ({"content": b"", "headers": JSON}, 422, "body"),
        ({"content": BIG, "headers": JSON}, 413, "body"),
        ({"content": iter([BIG[:100_000]] * 200), "headers": JSON}, 413, "body"),
        ({"content": b"user_id=u"}, 415, "Content-Type"),
        ({"content": b"cbuiltins", "headers": {"Content-Type": "application/vnd.bentoml+pickle"}}, 415, "Content-Type"),
        ({"data": {"user_id": "http://127.0.0.1:1/"}}, 415, "Content-Type"),
    ],
    "demand-forecaster": [
        ({"json": {"series_id": "nobody-sells-this"}}, 422, "series_id"),
        ({"json": {"series_id": "s", "periods": 10**9}}, 422, "periods"),
        ({"json": {"series_id": "s", "periods": -1}}, 422, "periods"),
        ({"content": b'{"series_id": "s", "confidence_level": Infinity}', "headers": JSON}, 422, "confidence_level"),
        ({"json": {"series_id": "s", "confidence_level": "high"}}, 422, "confidence_level"),
        ({"json": {"historical_data": [1] * 20, "start": "2026-01-01"}}, 422, "freq"),
        ({"json": {"periods": 3}}, 422, "historical_data"),
        ({"json": {"series_id": "s", "crop": "maize"}}, 422, "crop"),
        ({"content": b"[", "headers": JSON}, 422, "body"),
    ],
    "leaf-disease": [
        ({"files": {"file": ("leaf.jpg", b"this is text, not a leaf" * 20)}}, 415, "file"),
        ({"files": {"file": ("leaf.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 200)}}, 415, "file"),
        ({"files": {"file": ("leaf.jpg", b"")}}, 422, "file"),
        ({"files": {"photo": ("leaf.jpg", b"x")}}, 422, "photo"),
        ({"files": {"file": ("leaf.jpg", b"x" * 20_000_000)}}, 413, "body"),
        ({"files": {"file": (None, "http://127.0.0.1:1/leaf.jpg")}}, 422, "file"),
        ({"content": b"--b--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 422, "file"),
        ({"json": {"file": "http://127.0.0.1:1/leaf.jpg"}}, 415, "Content-Type"),
        ({"content": b"x", "headers": {"Content-Type": "image/jpeg"}}, 415, "Content-Type"),
    ],
}


@pytest.mark.parametrize(
    ("name", "how", "status", "field"),
    [pytest.param(name, *row, id=f"{name}-{at}-{row[2]}") for name, rows in BAD.items() for at, row in enumerate(rows)],
)
def test_bad_input_is_refused_with_its_field_and_a_remedy(served, name, how, status, field):
    """Guards P31 and P34."""
    assert_refused(served[name].ask(**how), status, field)


def test_a_gif_is_another_kind_of_file(served, gif):
    assert_refused(served["leaf-disease"].ask(files={"file": ("leaf.jpg", gif)}), 415, "file")


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(served):
    from PIL import Image

    buffer = BytesIO()
    Image.new("L", (9000, 9000)).save(buffer, "PNG")
    assert_refused(served["leaf-disease"].ask(files={"file": ("leaf.png", buffer.getvalue())}), 413, "file")


def test_a_photograph_cut_in_half_is_refused(served, photographs):
    half = photographs[0][1][: len(photographs[0][1]) // 2]
    assert_refused(served["leaf-disease"].ask(files={"file": ("leaf.jpg", half)}), 422, "file")


@pytest.mark.parametrize("name", models())
def test_wrong_methods_and_unknown_paths_are_problems(served, name):
    """Guards P31."""
    client = served[name].client
    wrong = client.get(models()[name].route)
    assert_refused(wrong, 405)
    assert wrong.headers["allow"] == "POST"
    for path in ("/api/v1/nothing", "/../../etc/passwd", "/predict"):
        assert_refused(client.get(path), 404)


def assert_refused(answer, status, field=None):
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text and ".py" not in answer.text
    if field:
        assert field in [error["field"] for error in document["errors"]], document
        assert all(error["remedy"] for error in document["errors"])


def test_a_heavy_question_does_not_hold_up_the_others(served, say):
    """Guards P32."""
    running, stop = served["leaf-disease"], threading.Event()
    large = _large_photograph()

    def hammer():
        import httpx

        with httpx.Client(base_url=running.base, timeout=60) as client:
            while not stop.is_set():
                client.post(running.route, files={"file": ("leaf.jpg", large)})

    crowd = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in crowd:
        thread.start()
    try:
        waits = [_seconds(lambda: running.client.get("/readyz")) for _ in range(20)]
    finally:
        stop.set()
        for thread in crowd:
            thread.join()
    say(f"/readyz under load of photographs: worst {max(waits) * 1000:.0f} ms")
    assert np.median(waits) < 0.5


def _large_photograph():
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 255, (1500, 1500, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _seconds(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@pytest.mark.parametrize("name", models())
def test_latency_is_printed(served, photographs, name, say):
    requests = {"recommender": 100, "demand-forecaster": 5, "leaf-disease": 30}[name]
    how = payload(name, photographs)
    spent = np.array([_seconds(lambda: served[name].ask(**how)) for _ in range(requests)]) * 1000
    say(f"{name}: p50 {np.median(spent):.1f} ms, p95 {np.quantile(spent, 0.95):.1f} ms over {requests} requests")


def test_what_serves_loads_the_code_inside_the_bento_and_no_training_library(served):
    for running in served.values():
        text = running.log_path.read_text()
        assert "Traceback" not in text, text[-2000:]
        maps = _mapped_files(running)
        assert any("onnxruntime" in path for path in maps) == (running.bento.model == "leaf-disease")
        assert not any("tensorflow" in path for path in maps)


def _mapped_files(running):
    """Every shared library that the serving process has loaded; it is one process."""
    import psutil

    process = psutil.Process(running.process.pid)
    assert process.children() == []
    return {mapped.path for mapped in process.memory_maps()}


def test_predictions_arrive_in_clickhouse_as_they_were_answered(served, serving_database, photographs):
    wanted = {name: served[name].ask(**payload(name, photographs)).json() for name in models()}
    with Store.connect(serving_database) as store:
        for name, answer in wanted.items():
            row = _eventually(store, answer["prediction_id"])
            assert (row["model_name"], row["model_version"], row["arm"]) == (name, "7", "champion")
            assert row["latency_ms"] > 0
        assert row["model_name"] == "leaf-disease"
        assert "sha256" in row["request"]


def _eventually(store, prediction_id):
    deadline = time.monotonic() + 20
    query = "SELECT * FROM predictions WHERE prediction_id = {id:String}"
    while time.monotonic() < deadline:
        rows = store.arrow(query, {"id": prediction_id}).to_pylist()
        if rows:
            return rows[0]
        time.sleep(0.1)
    raise AssertionError(f"prediction {prediction_id} did not arrive")


def test_what_is_answered_in_advance_is_what_is_served(served, artifacts, serving_database, monkeypatch):
    """Online and offline are the same files and the same call: products, order and reasons equal, scores to 1e-6."""
    monkeypatch.setattr(predict, "write", predict.write.fn)
    folder, digest = artifacts["recommender"]
    digests.verify(folder, digest)
    batch = Batch("offline", "recommender", served["recommender"].bento.version, datetime.now(UTC), "user_id")
    with Store.connect(serving_database) as store:
        predict.fill(store, batch, family("recommender").load(folder))
        rows = store.arrow("SELECT * FROM batch_recommendations WHERE batch_id = 'offline' ORDER BY rank").to_pandas()
    assert set(rows["model_version"]) == {"7"}
    for user in sorted(rows["user_id"].unique())[::8]:
        for mode in ("discover", "again"):
            asked = {"user_id": user, "mode": mode, "n_recommendations": 20}
            online = pd.DataFrame(served["recommender"].ask(asked).json()["recommendations"])
            offline = rows[(rows["user_id"] == user) & (rows["mode"] == mode)].reset_index(drop=True)
            assert len(online) == 20
            pd.testing.assert_frame_equal(offline[["product_id", "reason"]], online[["product_id", "reason"]])
            np.testing.assert_allclose(offline["score"], online["score"], rtol=0, atol=1e-6)


def test_answers_go_on_while_clickhouse_is_away_and_wait_on_disk(bentos, starter, serving_database):
    away = serving_database.model_copy(update={"port": _closed_port()})
    running = starter(bentos["recommender"], away, "away")
    ids = _burst(running)
    assert running.stop() == -signal.SIGTERM
    lines = [line for path in running.settings.spool.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert {json.loads(line)["prediction_id"] for line in lines} == ids


def _attacks(mlflow, served, leaf, mail_port):
    """What a page can do to each server, as JavaScript, without asking the browser's leave."""
    simple = "{method: 'POST', mode: 'no-cors', headers: {'Content-Type': 'text/plain'}, body: %s}"
    form = "const f = new FormData(); f.append('file', new Blob(['x']), 'leaf.jpg');"
    mail = ("EHLO x", "MAIL FROM:<a@b.c>", "RCPT TO:<d@e.f>", "DATA", "Subject: s", "", "x", ".", "")
    smuggled = json.dumps("\r\n".join(mail))
    alias = "{name: 'm', alias: 'champion', version: '1'}"
    yield f"await fetch('{mlflow}/api/2.0/mlflow/experiments/create', {simple % '`{name: 1}`'})"
    yield f"await fetch('{mlflow}/graphql', {simple % '`{}`'})"
    yield f"await fetch('{mlflow}/v1/traces', {simple % '`{}`'})"
    yield f"await fetch('{mlflow}/gateway/x/mlflow/invocations', {simple % '`{}`'})"
    yield f"new Image().src = '{mlflow}/ajax-api/2.0/mlflow/gateway-proxy?gateway_path=x'"
    yield f"new Image().src = '{mlflow}/api/2.0/mlflow/experiments/search?max_results=1'"
    yield f"await fetch('{mlflow}/ajax-api/3.0/mlflow/assistant/message', {simple % '`{}`'})"
    yield f"await fetch('{mlflow}/ajax-api/3.0/mlflow/assistant/config')"
    yield f"await fetch('{mlflow}/api/2.0/mlflow-artifacts/artifacts/evil.html', {{method: 'PUT', body: 'x'}})"
    body = f"headers: {{'Content-Type': 'application/json'}}, body: JSON.stringify({alias})"
    yield f"await fetch('{mlflow}/ajax-api/2.0/mlflow/registered-models/alias', {{method: 'POST', {body}}})"
    for base, route in served:
        yield f"await fetch('{base}{route}', {simple % '`{}`'})"
        yield f"new Image().src = '{base}/metrics'"
    yield f"{form} await fetch('{leaf}', {{method: 'POST', mode: 'no-cors', body: f}})"
    yield f"await fetch('http://127.0.0.1:{mail_port}/', {simple % smuggled})"


def _refused(seen):
    """Every answer the browser got is a refusal, or none came at all."""
    return {address: answers for address, answers in seen.items() if answers - {403, "failed"}}


def test_no_page_of_another_site_reaches_a_server_of_ours(served, mlflow_settings, mail_server):
    """A page somewhere on the web, and a page of another program on this machine."""
    bases = [(one.base, one.route) for one in served.values()]
    leaf = served["leaf-disease"]
    steps = list(_attacks(mlflow_settings.uri, bases, leaf.base + leaf.route, mail_server.port))
    experiments = f"{mlflow_settings.uri}/api/2.0/mlflow/experiments/search?max_results=1000"
    before = httpx.get(experiments).json()
    with foreign_pages() as ask:
        for host in (EVIL, "localhost"):
            seen = ask(host, *steps)
            assert len(seen) >= len(steps) - 2
            assert _refused(seen) == {}
        for port in (mlflow_settings.port, *(int(base.rsplit(":", 1)[1]) for base, _ in bases)):
            seen = ask(EVIL, "await fetch('/metrics')", "await fetch('/graphql', {method: 'POST'})", port=port)
            assert len(seen) == 2
            assert _refused(seen) == {}
    assert httpx.get(experiments).json() == before
    assert mail_server.mails() == {}


def test_a_stop_in_the_middle_of_the_work_loses_no_prediction(served, serving_database):
    """The last test of the recommender: it ends the process."""
    ids = _burst(served["recommender"])
    assert served["recommender"].stop() == -signal.SIGTERM
    with Store.connect(serving_database) as store:
        query = "SELECT count() AS n, uniqExact(prediction_id) AS ids FROM predictions "
        query += "WHERE has({ids:Array(String)}, prediction_id)"
        assert store.arrow(query, {"ids": list(ids)}).to_pylist() == [{"n": len(ids), "ids": len(ids)}]


def _burst(running, requests=200):
    """Prediction ids of many answers, the last of them just given."""
    answers = [running.ask({"user_id": f"u{number:03d}"}) for number in range(requests)]
    assert Counter(answer.status_code for answer in answers) == {200: requests}
    return {answer.json()["prediction_id"] for answer in answers}


def _closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
