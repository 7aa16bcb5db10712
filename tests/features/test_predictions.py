"""The prediction log: no answer waits for it, and none is lost on a normal stop."""

import itertools
import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.prediction_log import PredictionLog
from features.predictions import Prediction
from features.settings import ClickHouseSettings
from features.spool import Spool
from features.store import Store
from tests.fixtures.clickhouse import ROOT, running_engine
from tests.ports import free_port


def prediction(number, **other):
    said = {
        "prediction_id": f"p{number}",
        "service": "recommender",
        "model_name": "recommender",
        "model_version": "3",
        "arm": "champion",
        "user_id": f"u{number}",
        "request": {"user_id": f"u{number}", "n_recommendations": 10},
        "response": {"recommendations": [{"product_id": "i1", "score": 0.5}]},
        "latency_ms": 1.5,
        "predicted_at": datetime(2026, 11, 20, 1, 2, 3, 4000, UTC),
    }
    return Prediction(**said | other)


def spooled(folder):
    return sorted(path.name for path in folder.glob("*") if path.suffix != ".lock") if folder.exists() else []


def stored(store):
    return store.command("SELECT count() FROM predictions")


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited in vain")


def test_what_was_written_is_stored_when_the_log_is_closed(store, tmp_path):
    with PredictionLog(store.settings, "recommender", tmp_path) as log:
        for number in range(1200):
            log.write(prediction(number))
    assert stored(store) == 1200
    assert spooled(tmp_path) == []
    row = store.arrow("SELECT * FROM predictions WHERE prediction_id = 'p7'").to_pylist()[0]
    assert row["event_time"] == datetime(2026, 11, 20, 1, 2, 3, 4000, UTC)
    assert json.loads(row["request"]) == {"user_id": "u7", "n_recommendations": 10}
    assert (row["model_version"], row["arm"], row["latency_ms"]) == ("3", "champion", 1.5)


def test_a_write_returns_at_once_also_when_clickhouse_is_away(tmp_path):
    log = PredictionLog(ClickHouseSettings(port=free_port()), "recommender", tmp_path)
    began = time.perf_counter()
    for number in range(1000):
        log.write(prediction(number))
    assert (time.perf_counter() - began) / 1000 < 0.001
    log.close()


def test_what_clickhouse_did_not_take_is_sent_by_the_next_start_once(store, tmp_path):
    with PredictionLog(ClickHouseSettings(port=free_port()), "recommender", tmp_path) as log:
        for number in range(30):
            log.write(prediction(number))
    files = spooled(tmp_path)
    assert files
    kept = {name: (tmp_path / name).read_text() for name in files}
    for _ in range(2):  # the second time as if the first had died before it removed its files
        for name, text in kept.items():
            (tmp_path / name).write_text(text)
        with PredictionLog(store.settings, "recommender", tmp_path):
            wait_until(lambda: spooled(tmp_path) == [])
        assert stored(store) == 30


def test_the_spool_is_sent_when_clickhouse_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr("features.prediction_log._LEFT_ALONE_S", 0.2)
    port = free_port()
    with PredictionLog(ClickHouseSettings(port=port), "recommender", tmp_path / "spool", pause_s=0.05) as log:
        log.write(prediction(1))
        wait_until(lambda: spooled(tmp_path / "spool"))
        with running_engine(tmp_path / "db", port) as engine, Store.connect(engine.settings()) as store:
            store.migrate()
            wait_until(lambda: spooled(tmp_path / "spool") == [])
            assert stored(store) == 1


@contextmanager
def steady_traffic(log, pause_s):
    """Predictions written one after the other until the block ends; gives the list of what was written."""
    written, over = [], threading.Event()

    def write():
        for number in itertools.count():
            log.write(prediction(number))
            written.append(number)
            if over.wait(pause_s):
                return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join()


def test_the_spool_is_sent_while_requests_go_on_and_each_row_once(tmp_path, monkeypatch):
    monkeypatch.setattr("features.prediction_log._LEFT_ALONE_S", 0.2)
    spool, port = tmp_path / "spool", free_port()
    with running_engine(tmp_path / "db", port) as engine, Store.connect(engine.settings()) as store:
        store.migrate()
    log = PredictionLog(engine.settings(), "recommender", spool, batch_rows=20, pause_s=0.05)
    with ExitStack() as again:
        with steady_traffic(log, 0.005) as written:
            wait_until(lambda: len(spooled(spool)) > 5)
            again.enter_context(running_engine(tmp_path / "db", port))
            store = again.enter_context(Store.connect(engine.settings()))
            last = len(written)
            of_the_outage = f"SELECT uniqExact(event_id) FROM predictions WHERE toUInt32(substr(event_id, 2)) < {last}"
            wait_until(lambda: store.command(of_the_outage) == last)  # before the traffic ends
        wait_until(lambda: spooled(spool) == [])
        log.close()
        both = store.arrow("SELECT count() AS rows, uniqExact(event_id) AS ids FROM predictions").to_pylist()
        assert both == [{"rows": len(written), "ids": len(written)}]


def sockets():
    return sum(path.readlink().name.startswith("socket:") for path in Path("/proc/self/fd").iterdir() if path.exists())


def test_a_connection_that_is_given_up_is_closed(clickhouse_settings, tmp_path, monkeypatch):
    """The database has no tables yet, so that ClickHouse answers and takes nothing."""
    monkeypatch.setattr("features.prediction_log._LEFT_ALONE_S", 0.0)
    opened, closed = [], []
    connect, close = Store.connect, Store.close
    monkeypatch.setattr(Store, "connect", lambda settings: opened.append(1) or connect(settings))
    monkeypatch.setattr(Store, "close", lambda store: closed.append(1) or close(store))
    with PredictionLog(clickhouse_settings, "recommender", tmp_path, pause_s=0.001) as log:
        log.write(prediction(1))
        wait_until(lambda: len(opened) > 2)
        before = sockets()
        wait_until(lambda: len(opened) > 30)
        assert sockets() <= before + 1
    assert len(closed) == len(opened)


def test_what_two_processes_would_send_is_sent_by_one(store, tmp_path):
    (tmp_path / "recommender-1.jsonl").write_text(prediction(1).to_line() + "\n")
    with Spool(tmp_path, "recommender").to_itself() as alone, Spool(tmp_path, "recommender").to_itself() as second:
        assert (alone, second) == (True, False)
        with PredictionLog(store.settings, "recommender", tmp_path, pause_s=0.01) as log:
            log.write(prediction(2))
            wait_until(lambda: stored(store) == 1)
        assert spooled(tmp_path) == ["recommender-1.jsonl"]


def test_an_error_nobody_thought_of_does_not_stop_the_log(store, tmp_path, monkeypatch):
    monkeypatch.setattr("features.prediction_log._LEFT_ALONE_S", 0.0)
    insert, calls = Store.insert, []

    def once_broken(self, *args, **how):
        calls.append(args)
        if len(calls) == 1:
            raise ZeroDivisionError
        return insert(self, *args, **how)

    monkeypatch.setattr(Store, "insert", once_broken)
    with PredictionLog(store.settings, "recommender", tmp_path, pause_s=0.01) as log:
        log.write(prediction(1))
        wait_until(lambda: stored(store) == 1)
    assert spooled(tmp_path) == []


def test_services_keep_their_spools_apart(store, tmp_path):
    away = ClickHouseSettings(port=free_port())
    with PredictionLog(away, "forecaster", tmp_path) as log:
        log.write(prediction(1, service="forecaster"))
    with PredictionLog(store.settings, "recommender", tmp_path, pause_s=0.01):
        time.sleep(0.2)
    assert len(spooled(tmp_path)) == 1
    assert stored(store) == 0


def test_a_line_cut_short_does_not_hold_up_the_others(store, tmp_path):
    whole = prediction(1).to_line()
    (tmp_path / "recommender-1.jsonl").write_text(f"{whole}\n{whole[:40]}\n")
    with PredictionLog(store.settings, "recommender", tmp_path):
        wait_until(lambda: spooled(tmp_path) == [])
    assert stored(store) == 1


def test_a_full_queue_goes_to_the_spool_and_is_not_lost(store, tmp_path):
    with PredictionLog(store.settings, "recommender", tmp_path, waiting_rows=1) as log:
        for number in range(50):
            log.write(prediction(number))
    with PredictionLog(store.settings, "recommender", tmp_path):
        wait_until(lambda: spooled(tmp_path) == [])
    assert stored(store) == 50


def test_what_is_written_after_the_close_is_not_lost(store, tmp_path):
    log = PredictionLog(store.settings, "recommender", tmp_path)
    log.close()
    log.close()
    log.write(prediction(1))
    assert len(spooled(tmp_path)) == 1


FORGETFUL = """
import sys
sys.path.insert(0, {root!r})
from features.predictions import Prediction
from features.prediction_log import PredictionLog
from features.settings import ClickHouseSettings
log = PredictionLog(ClickHouseSettings(port={port}), "recommender", {spool!r})
log.write(Prediction("p1", "recommender", "m", "1", "champion", "u", {{}}, {{}}, 1.0))
"""


def test_a_program_that_ends_without_closing_loses_nothing(tmp_path):
    text = FORGETFUL.format(root=str(ROOT), port=free_port(), spool=str(tmp_path / "spool"))
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60, stderr=subprocess.DEVNULL)
    assert len(spooled(tmp_path / "spool")) == 1
