"""A flush into a large table: whether its events are there, asked of the index of ids, beside the scan of before.

`python -m benchmarks.ingest`: ten million events in an embedded engine of its own; `--quick` a tenth of it. A flush is
500 events as a service sends them, or 250,000 as a file is cut. Peers are the way of the version before (rows into a
staging table, two statements that scan the ids of the table) and an insert that asks nothing, both on a copy of the
table without the index. Each way's time is the best of three flushes of fresh events.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import uuid4

import numpy as np
import psutil
import pyarrow as pa

from benchmarks import _report
from features.errors import StoreUnreachable
from features.settings import ClickHouseSettings, RetentionSettings
from features.sql import query
from features.store import Store

PORT = 18_127
BLOCK = 500_000
FLUSHES = (500, 250_000)
START_MS = 1_750_000_000_000
SCAN = "scan as before"
COPIES = """
CREATE TABLE indexed AS product_events;
CREATE TABLE scanned AS product_events;
ALTER TABLE scanned DROP PROJECTION event_ids
"""
FILL = """
INSERT INTO indexed (event_id, event_time, user_id, product_id)
SELECT
    lower(leftPad(hex(toUInt64({start:UInt64} + number * 1000)), 12, '0') || substring(hex(sipHash128(number)), 1, 20)),
    fromUnixTimestamp64Milli(toInt64({start:UInt64} + number * 1000)),
    toString(cityHash64(number) % 50000),
    toString(cityHash64(number, 1) % 20000)
FROM numbers({first:UInt64}, {rows:UInt64})
"""
COPY = (
    "INSERT INTO scanned SELECT * FROM indexed WHERE event_time >= {a:DateTime64(3)} AND event_time < {b:DateTime64(3)}"
)
THERE = "SELECT * FROM scanned WHERE event_time >= {a:DateTime64(3)} ORDER BY event_time LIMIT 250000"
NEW = "event_id NOT IN (SELECT event_id FROM scanned WHERE event_id IN (SELECT event_id FROM staged))"
COUNT = f"SELECT uniqExact(event_id) AS n FROM staged WHERE {NEW}"
MOVE = f"INSERT INTO scanned SELECT * FROM staged WHERE {NEW} LIMIT 1 BY event_id"


@contextmanager
def engine(folder: Path) -> Iterator[tuple[Store, psutil.Process]]:
    """A store of its own with nothing in it, and the process that has its files."""
    settings = ClickHouseSettings(host="127.0.0.1", port=PORT, password=uuid4().hex, timeout_s=600)
    env = os.environ | {"AGRO_CLICKHOUSE_PASSWORD": settings.password.get_secret_value()}
    command = [sys.executable, "-m", "features.engine", "--path", str(folder), "--port", str(PORT)]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        store = _connected(settings, process)
        store.migrate(RetentionSettings(product_events_days=0))
        yield store, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _connected(settings: ClickHouseSettings, process: subprocess.Popen[bytes]) -> Store:
    while process.poll() is None:
        try:
            return Store.connect(settings)
        except StoreUnreachable:
            time.sleep(0.1)
    raise RuntimeError(f"the engine did not start on port {PORT}")


def fill(store: Store, rows: int) -> None:
    """The same events in both tables, a block at a time, so that memory is bounded."""
    for statement in COPIES.split(";"):
        store.command(statement)
    for first in range(0, rows, BLOCK):
        store.command(FILL, {"start": START_MS, "first": first, "rows": BLOCK})
        span = {"a": _moment(first), "b": _moment(first + BLOCK)}
        store.command(COPY, span)


def _moment(number: int) -> str:
    return np.datetime_as_string(np.datetime64(START_MS + number * 1000, "ms"), unit="ms").replace("T", " ")


def fresh(first: int, rows: int) -> pa.Table:
    """Events that no table has."""
    numbers = np.arange(first, first + rows)
    ids = [f"{START_MS + n * 1000:012x}{token_hex(10)}" for n in numbers.tolist()]
    times = pa.array(START_MS + numbers * 1000, pa.timestamp("ms", "UTC"))
    texts = {"user_id": (numbers % 50_000).astype(str), "product_id": (numbers * 7 % 20_000).astype(str)}
    return pa.table({"event_id": ids, "event_time": times, **texts})


def ours(store: Store, rows: pa.Table) -> int:
    """What the platform does."""
    return store.insert("indexed", rows).rows


def scan(store: Store, rows: pa.Table) -> int:
    """What the version before did."""
    store.command("CREATE TABLE staged AS scanned ENGINE = Memory")
    store.send("staged", pa.table({name: rows[name] for name in rows.column_names}))
    new = int(store.arrow(COUNT)["n"][0].as_py())
    if new:
        store.command(MOVE)
    store.command("DROP TABLE staged")
    return new


def unasked(store: Store, rows: pa.Table) -> int:
    """An insert that would add every event twice."""
    store.send("scanned", rows)
    return rows.num_rows


PEERS = {SCAN: scan, "no question asked": unasked}


def best(store: Store, flush: Callable[[Store, pa.Table], int], batches: list[pa.Table], new: int) -> float:
    """Wall time of the quickest flush, each of a batch of its own."""
    took = []
    for batch in batches:
        started = time.perf_counter()
        assert flush(store, batch) == new
        took.append(time.perf_counter() - started)
    return min(took)


def compared(store: Store, name: str, batches: Callable[[], list[pa.Table]], new: int) -> dict[str, Any]:
    """Ours no slower than the scan; where nothing is new, an insert that asks nothing is no peer."""
    peers = PEERS if new else {SCAN: scan}
    took = {who: best(store, way, batches(), new) for who, way in peers.items()}
    return _report.faster(name, best(store, ours, batches(), new), took, SCAN)


def granules(store: Store, batch: pa.Table) -> dict[str, Any]:
    """How many granules of ids are read for a flush, of how many."""
    asked = "EXPLAIN indexes = 1 " + query("known_events")
    plan = "\n".join(store.arrow(asked, {"table": "indexed"}, batch.select(["event_id"]))["explain"].to_pylist())
    read, there = (sum(map(int, told)) for told in zip(*re.findall(r"Granules: (\d+)/(\d+)", plan), strict=True))
    return {
        "name": f"granules of ids read for {batch.num_rows:,} events", "ours": read, "peers": {SCAN: there},
        "unit": "granules", "better": "lower", "target": there // 10, "met": read <= there // 10,
    }  # fmt: skip


def claims(store: Store, rows: int) -> Iterator[dict[str, Any]]:
    """New events in the order of time, and events that are there."""
    at = iter(range(rows, 1 << 40, max(FLUSHES)))
    for size in FLUSHES:
        batches = partial(lambda size: [fresh(next(at), size) for _ in range(3)], size)
        yield compared(store, f"{size:,} new events into {rows:,}", batches, size)
    there = store.arrow(THERE, {"a": _moment(rows // 2)})
    yield granules(store, there.slice(0, FLUSHES[0]))
    yield compared(store, f"{there.num_rows:,} events that are among {rows:,}", lambda: [there] * 2, 0)


def main() -> None:
    """Run what the command line asks for."""
    asked = _report.arguments("A flush into a large table.").parse_args()
    _report.bound_threads()
    started = time.perf_counter()
    rows = 1_000_000 if asked.quick else 10_000_000
    with tempfile.TemporaryDirectory() as folder, engine(Path(folder)) as (store, process):
        fill(store, rows)
        _report.to_stderr(f"filled with {rows:,} events in {time.perf_counter() - started:.0f} s")
        found = list(claims(store, rows))
        _report.to_stderr(f"the engine has {process.memory_info().rss >> 20:,} MB")
    _report.report(found, asked.json, time.perf_counter() - started)


if __name__ == "__main__":
    main()
