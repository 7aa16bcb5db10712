"""Writers of one table take turns: what several send at once is there once, and who dies holds nobody up."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features import turns, writers
from features.errors import StoreBusy, StoreRefused, StoreUnreachable
from features.turns import Step, turn
from tests.fixtures.clickhouse import ROOT
from tests.fixtures.rows import MS

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
ELSEWHERE = "0a0b0c0d_77_1234_abcdef"


def events(ids):
    texts = {name: ["x"] * len(ids) for name in ("user_id", "product_id")}
    return pa.table({"event_id": ids, "event_time": pa.array([NOW] * len(ids), MS), **texts})


def each_once(store):
    found = store.arrow("SELECT count() AS n, uniqExact(event_id) AS ids FROM product_events").to_pylist()[0]
    assert found["n"] == found["ids"]
    assert store.arrow("SELECT sum(events) AS n FROM daily_product_stats")["n"].to_pylist() == [found["n"]]
    return found["n"]


LOADER = """
import sys
from features.ingest import ingest
from features.store import Store
with Store.connect() as store:
    print("ready", flush=True)
    sys.stdin.readline()
    print(ingest(store, "purchases", sys.argv[1]).inserted)
"""


@contextmanager
def held_by_another_process(store, table):
    """A process of this machine that has the turn of a table and lives until it is killed."""
    with subprocess.Popen(["sleep", "600"]) as process:
        name = f"{writers._machine()}_{process.pid}_{writers._started(process.pid)}_abcdef"
        turns._note(store, table, turns._last(store, table).next_turn, name)
        try:
            yield process
        finally:
            process.kill()


def test_two_processes_that_load_overlapping_files_at_once_leave_each_row_once(store, tmp_path):
    """Guards P42."""
    for name, rows in (("a", range(1000)), ("b", range(500, 1500))):
        lines = (f"u{k % 97},i{k % 1009},{int(NOW.timestamp()) - k}\n" for k in rows)
        (tmp_path / f"{name}.csv").write_text("user_id,item_id,timestamp\n" + "".join(lines))
    env = os.environ | {"PYTHONPATH": str(ROOT), "AGRO_HOME": str(tmp_path), "AGRO_INGEST_CHUNK_ROWS": "100"}
    env |= {"AGRO_CLICKHOUSE_PORT": str(store.settings.port), "AGRO_CLICKHOUSE_DATABASE": store.settings.database}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": env}
    loaders = [subprocess.Popen([sys.executable, "-c", LOADER, str(tmp_path / f"{n}.csv")], **pipes) for n in "ab"]
    for loader in loaders:
        assert loader.stdout.readline() == "ready\n"
    for loader in loaders:
        loader.stdin.write("\n")
        loader.stdin.flush()
    inserted = [int(loader.communicate()[0]) for loader in loaders]
    assert each_once(store) == sum(inserted) == 1500


def test_threads_that_send_the_same_batch_at_once_add_it_once(store):
    batch = events([str(n) for n in range(500)])
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: store.insert("product_events", batch), range(8)))
    assert each_once(store) == sum(each.rows for each in done) == 500


def test_the_turn_of_a_killed_writer_is_free_at_once(store):
    with held_by_another_process(store, "product_events") as holder:
        holder.kill()
        holder.wait()
        with turn(store, "product_events", wait_s=0.1):
            pass


def test_who_waits_too_long_is_told_who_has_the_turn_and_others_tables_are_free(store):
    with held_by_another_process(store, "product_events") as holder, ThreadPoolExecutor(1) as pool:
        with pytest.raises(StoreBusy, match=rf"product_events is written to by \w+_{holder.pid}_\w+ since \d+ s"):
            turn(store, "product_events", wait_s=0.2).__enter__()
        with turn(store, "order_events", wait_s=5):
            waits = pool.submit(store.insert, "product_events", events(["a"]))
        holder.kill()
        assert waits.result(10).rows == 1


def test_a_writer_on_another_machine_keeps_its_turn_for_a_lease(store):
    with turn(store, "items") as name:
        step = int(name.rpartition("-")[2]) + turns._STEPS
    take = "INSERT INTO turns SELECT 'items', {step:UInt64}, {writer:String}, now64(3) - {age_s:Float64}"
    store.command(take, {"step": step, "writer": ELSEWHERE, "age_s": writers.LEASE_S - 60})
    with pytest.raises(StoreBusy, match=ELSEWHERE):
        turn(store, "items", wait_s=0.1).__enter__()
    store.command(take, {"step": step + turns._STEPS, "writer": ELSEWHERE, "age_s": writers.LEASE_S + 60})
    with turn(store, "items", wait_s=5):
        pass


def test_a_refusal_ends_a_turn(store):
    with pytest.raises(StoreRefused), turn(store, "items"):
        store.command("SELECT nothing")
    with turn(store, "items", wait_s=0.1):
        assert turns._last(store, "items").state == turns._TAKEN
    assert turns._last(store, "items").state == turns._OVER


def test_a_turn_without_an_answer_is_over_when_its_statement_is(store, monkeypatch):
    running = threading.Event()
    running.set()
    arrow = store.arrow

    def with_a_long_statement(sql, params=None, sent=None):
        if "system.processes" not in sql:
            return arrow(sql, params, sent)
        assert params["query_id"].startswith("items-")
        return pa.table({"n": [int(running.is_set())]})

    monkeypatch.setattr(store, "arrow", with_a_long_statement)
    with pytest.raises(StoreUnreachable), turn(store, "items"):
        raise StoreUnreachable("no answer came")
    with pytest.raises(StoreBusy):
        turn(store, "items", wait_s=0.1).__enter__()
    running.clear()
    with turn(store, "items", wait_s=5):
        pass


def test_steps_count_four_a_turn():
    assert [Step(number, "", 0).next_turn for number in (4, 5, 6)] == [8, 8, 8]
    assert [Step(number, "", 0).state for number in (4, 5, 6)] == [turns._TAKEN, turns._LEFT, turns._OVER]
