"""Loads that are killed, and an engine that is killed under a load: run again, it is as if nothing had happened."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from features.errors import StoreUnreachable
from features.ingest import ingest
from features.store import Store
from tests.fixtures.clickhouse import ROOT, running_engine
from tests.fixtures.purchases import count, many

LOADER = """
import sys
from features.ingest import ingest
from features.settings import StorageSettings
from features.store import Store
def told(done, total):
    print(done, flush=True)
with Store.connect() as store:
    ingest(store, "purchases", sys.argv[1], StorageSettings(), progress=told)
"""


def test_a_load_that_is_killed_and_run_again_is_as_if_it_ran_once(store, tmp_path):
    """Guards P42."""
    path = many(tmp_path / "a.csv", 3_000)
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "AGRO_CLICKHOUSE_PORT": str(store.settings.port),
        "AGRO_CLICKHOUSE_DATABASE": store.settings.database,
        "AGRO_HOME": str(tmp_path),
        "AGRO_INGEST_CHUNK_ROWS": "200",
    }
    command = [sys.executable, "-c", LOADER, str(path)]
    loader = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    for _ in range(3):
        loader.stdout.readline()
    os.kill(loader.pid, signal.SIGKILL)
    loader.wait()
    loader.stdout.close()
    assert 600 <= count_when_quiet(store) < 3_000
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
    assert count(store) == 3_000


def count_when_quiet(store):
    """The statement that was under way when its client died still ends."""
    threading.Event().wait(0.3)
    return count(store)


def test_an_engine_that_is_killed_under_a_load_loses_and_doubles_nothing(tmp_path, storage, monkeypatch):
    """Guards P42."""
    monkeypatch.setenv("AGRO_INGEST_CHUNK_ROWS", "500")
    path = many(tmp_path / "a.csv", 3_000)
    with running_engine(tmp_path / "db") as engine:
        store = Store.connect(engine.settings())
        store.migrate()

        def kill_after_some(done, total):
            if done == 1500:
                threading.Timer(0.05, engine.process.kill).start()

        with pytest.raises(StoreUnreachable, match="agro up"):
            ingest(store, "purchases", path, storage, progress=kill_after_some)
        engine.process.wait()
    with running_engine(tmp_path / "db", engine.port):
        ingest(store, "purchases", path, storage)
        assert store.command("SELECT count() FROM product_events") == 3_000
        assert store.command("SELECT uniqExact(event_id) FROM product_events") == 3_000
