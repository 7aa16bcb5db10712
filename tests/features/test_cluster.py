"""The cluster form of the schema: the engine parses every statement of it, and one shard of it works."""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features import cluster, quarantine
from features.errors import StoreUnreachable, WouldDelete
from features.ingest import ingest
from features.kinds import kinds
from features.settings import ClickHouseSettings, RetentionSettings
from features.sql import migrations, query, statements
from features.store import Inserted, Store
from tests.fixtures import rows
from tests.fixtures.clickhouse import ROOT
from tests.ports import free_port

NOW = datetime.now(UTC).replace(microsecond=0)
PARSED = """
import json, sys, chdb
engine = chdb.connect(":memory:")
for statement, params in json.load(sys.stdin):
    try:
        engine.query("EXPLAIN AST " + statement, "Null", params=params)
    except RuntimeError as exc:
        sys.exit(f"{statement}\\n{exc}")
"""


class Listener:
    """A client that writes down what it is told, and has a store in which nothing was done yet."""

    def __init__(self):
        self.said = []

    def command(self, sql, parameters=None, settings=None):
        self.said.append((sql, {name: str(value) for name, value in (parameters or {}).items()}))

    raw_query = command

    def query_arrow(self, sql, parameters=None, settings=None, external_data=None):
        self.command(sql, parameters)
        if "engine_full" in sql:
            names = [f"{table}_local" for table in RetentionSettings().days()]
            return pa.table({"name": names, "engine_full": ["ReplicatedMergeTree('a', 'b') ORDER BY x"] * len(names)})
        if "mutations" in sql:
            return pa.table({"n": [0], "reason": [""]})
        return pa.table({"number": pa.array([], pa.int64()), "name": pa.array([], pa.string())})


@pytest.fixture(scope="module")
def told():
    """Every statement that changes a cluster with its parameters: schema, retention, what deletes, what sums anew."""
    client = Listener()
    store = Store(client, ClickHouseSettings(cluster="c", database="d"))
    store.define("CREATE DATABASE IF NOT EXISTS d")
    store.migrate(shorten=True)
    store.delete("product_events", ["a"])
    for statement in statements(query("recompute_product_stats")):
        store.define(statement, {"days": ["2026-01-01"]})
    return client.said


@pytest.fixture
def said(told):
    return [statement for statement, _ in told]


def test_the_engine_parses_every_statement_of_the_cluster_form(told):
    done = subprocess.run([sys.executable, "-c", PARSED], input=json.dumps(told), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(told) > 70


def test_every_table_of_the_schema_is_replicated_and_has_a_distributed_one(said):
    text = "\n".join(said)
    schema = "\n".join(s for step in migrations() for s in step.statements)
    made = set(re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+)", schema, re.MULTILINE)) | {"schema_migrations"}
    views = set(re.findall(r"^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+)", schema, re.MULTILINE))
    assert len(made) >= 15 and len(views) == 2
    assert (
        set(re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+) .* ENGINE = Distributed", text, re.MULTILINE))
        == made | views
    )
    assert set(re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+)_local ON CLUSTER 'c'$", text, re.MULTILINE)) == made
    assert "ENGINE = MergeTree" not in text and "non_replicated" not in text


def test_what_changes_a_table_runs_on_the_cluster_and_on_its_local_rows(said):
    heads = re.findall(r"^(?:CREATE|ALTER|DELETE|DROP|TRUNCATE) .*$", "\n".join(said), re.MULTILINE)
    assert len(heads) > 60 and all(" ON CLUSTER 'c'" in head for head in heads)
    changed = [s for s in said if re.search("^(?:ALTER TABLE|DELETE FROM) ", s, re.M) and " COLUMN " not in s]
    assert all(re.search(r"^(?:ALTER TABLE|DELETE FROM) \w+_local ON CLUSTER", each, re.M) for each in changed)
    assert any("MODIFY TTL" in each for each in changed) and any("DELETE WHERE event_id" in each for each in changed)


def test_rows_that_merge_lie_on_one_shard_and_all_others_are_spread_by_event(said):
    shards = {s.split()[5]: s.partition("_local', ")[2] for s in said if "ENGINE = Distributed" in s}
    assert shards["product_events"] == "cityHash64(event_id))"
    assert shards["items"] == "cityHash64(item_id))"
    assert shards["turns"] == "cityHash64(name))"
    assert shards["product_stats_quarter_hour"] == "cityHash64(slot, product_id, event_type, currency))"
    assert shards["daily_product_stats"] == ""  # a view: nobody writes to it


def test_where_there_is_no_cluster_nothing_changes():
    for step in migrations():
        for statement in step.statements:
            assert cluster.statements(statement, "", "d") == [statement]


def test_a_table_that_cannot_be_read_is_named():
    with pytest.raises(ValueError, match="CREATE TABLE IF NOT EXISTS odd"):
        cluster.statements("CREATE TABLE IF NOT EXISTS odd (a String) ENGINE = MergeTree ORDER BY a", "c", "d")


@pytest.fixture(scope="module")
def one_shard(tmp_path_factory):
    """A store whose tables are those of a cluster, of one shard."""
    folder, port = tmp_path_factory.mktemp("one_shard"), free_port()
    command = [sys.executable, "-m", "tests.features.one_shard", str(folder), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    settings = ClickHouseSettings(port=port, cluster="c", database="shared")
    try:
        yield _connected(settings, process)
    finally:
        process.kill()
        process.wait()


def _connected(settings, process):
    while process.poll() is None:
        with suppress(StoreUnreachable):
            store = Store.connect(settings)
            store.migrate(RetentionSettings())
            return store
        time.sleep(0.1)
    raise RuntimeError("the shard did not start")


@pytest.fixture
def shard(one_shard):
    for table in one_shard.arrow("SELECT name FROM system.tables WHERE engine LIKE '%MergeTree'")["name"].to_pylist():
        if table not in ("turns_local", "schema_migrations_local"):
            one_shard.command(f"TRUNCATE TABLE {table}")
    return one_shard


def events(*ids, price=2.0):
    n = len(ids)
    table = {"timestamp": rows.times(NOW - timedelta(days=3), n), "user_id": ["u"] * n, "item_id": ["i"] * n}
    table |= {"event_type": ["purchase"] * n, "quantity": [1.0] * n, "price": [price] * n}
    return rows.product_events(pa.table(table), NOW).set_column(0, "event_id", pa.array(ids))


def test_a_shard_has_the_schema_and_a_second_migration_changes_nothing(shard):
    shard.require_schema()
    assert shard.migrate() == []
    engines = dict(shard.arrow("SELECT name, engine FROM system.tables WHERE database = 'shared'").to_pandas().values)
    assert engines["product_events"] == engines["daily_product_stats"] == "Distributed"
    assert engines["product_events_local"] == "MergeTree"


def test_a_shard_takes_each_event_once_and_its_sums_agree(shard):
    assert shard.insert("product_events", events("a", "b", "c")) == Inserted(3, 0)
    assert shard.insert("product_events", events("c", "d")) == Inserted(1, 1)
    for _ in range(2):
        shard.send("product_events", events("e"), token="same")
    assert shard.command("SELECT count() FROM product_events") == 5
    assert shard.arrow("SELECT sum(events) AS n FROM daily_product_stats")["n"].to_pylist() == [5]


def test_a_shard_answers_what_a_server_answers(shard, storage, tmp_path):
    (tmp_path / "items.csv").write_text("item_id,department,price\ni,FRUIT,2\n")
    (tmp_path / "demand.csv").write_text("series_id,ds,y\na,2026-01-01,5\na,2026-01-02,6\n")
    for kind in ("items", "demand"):
        assert ingest(shard, kind, tmp_path / f"{kind}.csv", storage).inserted
        assert ingest(shard, kind, tmp_path / f"{kind}.csv", storage).inserted == 0
    shard.insert("product_events", events("a"))
    shard.insert("leaf_images", rows.leaf_images({"1" * 64: "bean__rust"}, NOW - timedelta(days=3), NOW))
    for name in ("interactions", "catalogue", "demand"):
        assert kinds()[name].open().snapshot(shard, NOW, storage=storage).table.num_rows
    window = {"since": NOW - timedelta(days=9), "as_of": NOW, "known_at": NOW + timedelta(hours=1)}
    week = shard.arrow(query("interactions_by_week"), window).to_pylist()
    assert [row["department"] for row in week] == ["FRUIT"]
    assert shard.arrow(query("leaves_by_week"), window).num_rows == 1
    assert shard.arrow(query("two_labels")).num_rows == 0
    days = {"since": NOW - timedelta(days=9), "until": NOW, "zone": "UTC"}
    assert shard.arrow(query("daily_product_stats"), days)["events"].to_pylist() == [1]


def test_a_table_of_somebody_elses_with_an_index_of_ids_is_one_of_the_cluster_too(shard):
    shard.define(
        "CREATE TABLE IF NOT EXISTS soil (event_id String, PROJECTION event_ids (SELECT event_id ORDER BY event_id))\n"
        "ENGINE = MergeTree\nORDER BY event_id"
    )
    assert shard.insert("soil", pa.table({"event_id": ["a", "b"]})) == Inserted(2, 0)
    assert shard.insert("soil", pa.table({"event_id": ["b", "c"]})) == Inserted(1, 1)
    assert shard.command("SELECT count() FROM soil_local") == 3


def test_rows_move_out_of_a_shard_and_back_and_its_sums_agree(shard, storage):
    shard.insert("product_events", events("a", "b"))
    shard.insert("product_events", events("c", price=-1.0))
    (record,) = quarantine.move(shard, "interactions", storage)
    assert (record.rows, shard.command("SELECT count() FROM product_events")) == (1, 2)
    assert shard.arrow("SELECT sum(events) AS n FROM daily_product_stats")["n"].to_pylist() == [2]
    quarantine.put_back(shard, "interactions", storage)
    assert shard.arrow("SELECT sum(events) AS n FROM daily_product_stats")["n"].to_pylist() == [3]


def test_a_client_with_a_shorter_retention_deletes_nothing_of_a_shard_unless_it_says_so(shard):
    """Guards P41."""
    shard.insert("product_events", events("a"))
    with pytest.raises(WouldDelete, match="product_events from 1095 days to 1 days"):
        shard.migrate(RetentionSettings(product_events_days=1))
    assert shard.command("SELECT count() FROM product_events") == 1
    said = shard.migrate(RetentionSettings(product_events_days=1), shorten=True)
    assert said == ["product_events: rows live 1 days, before 1095 days"]
    shard.migrate(RetentionSettings())
