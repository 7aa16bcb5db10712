"""The process that owns the embedded engine, asked by plain clickhouse-connect."""

import datetime as dt
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from features.engine.statement import split_insert
from features.settings import ClickHouseSettings
from features.store import Store
from tests.fixtures.clickhouse import PASSWORD, beside, get, run_engine, running_engine
from tests.ports import free_port

NASTY = "it's \\ a \n ? \t ; \r \x00 é {x:String} -- /* `"


def test_ping_answers_as_clickhouse_does(clickhouse):
    assert get(clickhouse, "/ping") == "Ok.\n"


def test_a_client_finds_its_time_zone_to_be_utc(client):
    assert str(client.server_tz) == "UTC"
    assert client.command("SELECT timezone()") == "UTC"


def test_values_come_back_as_they_were_sent(client):
    client.command("CREATE TABLE t (a String, b DateTime64(3, 'UTC'), c Nullable(Float64)) ENGINE = Memory")
    rows = [[NASTY, dt.datetime(2024, 2, 29, 1, 2, 3, 4000, dt.UTC), None], ["", dt.datetime(2000, 1, 1), 1.5]]
    client.insert("t", rows, column_names=["a", "b", "c"])
    assert client.query("SELECT a, toUnixTimestamp64Milli(b), c FROM t ORDER BY b").result_rows == [
        ("", 946684800000, 1.5),
        (NASTY, 1709168523004, None),
    ]


def test_a_compressed_insert_is_unpacked(clickhouse, client):
    client.command("CREATE TABLE packed (a UInt32) ENGINE = Memory")
    for packing in ("lz4", "gzip", "zstd"):
        packed = clickhouse_connect.get_client(
            host="127.0.0.1", port=clickhouse.port, database=client.database, compress=packing, password=PASSWORD
        )
        packed.insert("packed", [[1], [2]], column_names=["a"])
        packed.close()
    assert client.command("SELECT sum(a) FROM packed") == 9


def test_arrow_goes_in_and_out(client):
    client.command("CREATE TABLE arrows (a String, b Float64) ENGINE = Memory")
    table = pa.table({"a": ["x", "FORMAT Native\n"], "b": [1.0, 2.0]})
    client.insert_arrow("arrows", table)
    assert client.query_arrow("SELECT * FROM arrows ORDER BY b").to_pydict() == table.to_pydict()
    assert client.query_arrow("SELECT * FROM arrows WHERE 0").column_names == ["a", "b"]


def test_parameters_are_values_and_never_sql(client):
    """Guards P37."""
    client.command("CREATE TABLE users (name String) ENGINE = Memory")
    attack = "x'; DROP TABLE users; --"
    for text in (attack, "' OR 1=1 --", NASTY, "{name:Identifier}"):
        assert client.query("SELECT {v:String}", parameters={"v": text}).result_rows == [(text,)]
        assert client.query("SELECT count() FROM users WHERE name = {v:String}", parameters={"v": text}).first_row == (
            0,
        )
    assert client.query("SELECT {v:Array(String)}", parameters={"v": [attack, "b'"]}).first_row == ([attack, "b'"],)
    with pytest.raises(DatabaseError, match="UInt32"):
        client.query("SELECT {v:UInt32}", parameters={"v": "1 OR 1=1"})
    assert client.command("EXISTS users") == 1


def test_rows_that_come_with_a_query_are_a_table_while_it_runs(client):
    asked = "SELECT sum(n) AS n, any(t) AS one FROM sent WHERE t = {t:String}"
    rows = b"1\tit's\n2\tit's\n4\tx\n"
    for settings in ({}, {"readonly": "1"}):
        given = {"external_data": beside(rows, structure="n UInt8, t String"), "parameters": {"t": "it's"}}
        assert client.query(asked, settings=settings, **given).first_row == (3, "it's")
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.query("SELECT * FROM sent")


def test_a_refusal_carries_clickhouses_code(client):
    with pytest.raises(DatabaseError, match="Unknown table") as refusal:
        client.query("SELECT * FROM nothing_here")
    assert refusal.value.code == 60
    with pytest.raises(DatabaseError, match="Unknown setting"):
        client.query("SELECT 1", settings={"max_treads": 1})


def test_a_half_wrong_insert_adds_nothing(client):
    client.command("CREATE TABLE typed (a UInt8) ENGINE = MergeTree ORDER BY a")
    with pytest.raises(DatabaseError, match="at row 2"):
        client.raw_insert("typed", ["a"], b"1\nzwei\n", fmt="CSV")
    assert client.command("SELECT count() FROM typed") == 0


def test_rows_that_their_table_refuses_are_refused_aloud(client):
    client.command("CREATE TABLE strict (a UInt8, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a")
    with pytest.raises(DatabaseError, match="small"):
        client.insert_arrow("strict", pa.table({"a": pa.array([1, 99], pa.uint8())}))
    with pytest.raises(DatabaseError, match="small"):
        client.insert("strict", [[1], [99]], column_names=["a"])
    assert client.command("SELECT count() FROM strict") == 0


def test_an_insert_may_carry_its_own_settings(client):
    client.command(
        "CREATE TABLE own (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window=9"
    )
    for _ in range(2):
        client.raw_insert("own (a) SETTINGS insert_deduplication_token = 'x y'", None, b"1\n", fmt="CSV")
    assert client.command("SELECT count() FROM own") == 1


def test_a_setting_lasts_for_its_query_alone(client):
    before = client.command("SELECT getSetting('max_block_size')")
    asked = client.query("SELECT getSetting('max_block_size')", settings={"max_block_size": 77})
    assert asked.first_row == (77,)
    with pytest.raises(DatabaseError):
        client.query("SELECT throwIf(1)", settings={"max_block_size": 77})
    assert client.command("SELECT getSetting('max_block_size')") == before
    with pytest.raises(DatabaseError, match="Sessions are not kept"):
        client.command("SET max_block_size = 5")


def test_threads_get_their_own_answers(client):
    def ask(number):
        return client.query("SELECT {n:UInt32} + sum(number) FROM numbers(1000)", parameters={"n": number}).first_row[0]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(200))) == [number + 499500 for number in range(200)]


def test_a_port_that_is_taken_is_one_line_that_names_it(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_engine("--path", str(tmp_path), "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in done.stderr and "AGRO_CLICKHOUSE_PORT" in done.stderr


def test_a_folder_that_is_open_already_is_one_line_that_names_its_owner(clickhouse):
    done = run_engine("--path", str(clickhouse.path), "--port", str(free_port()))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"open in process {clickhouse.process.pid}" in done.stderr


def test_a_stop_waits_for_the_statement_that_runs_and_ends_with_0(tmp_path):
    with running_engine(tmp_path) as engine:
        store = Store.connect(engine.settings())
        store.command("CREATE TABLE slow (a UInt8) ENGINE = MergeTree ORDER BY a")
        sql = "INSERT INTO slow SELECT sleepEachRow(1) FROM numbers(1)"
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(store.command, sql)
            threading.Event().wait(0.4)
            os.kill(engine.process.pid, signal.SIGTERM)
            assert engine.process.wait(30) == 0
            writing.result()  # the answer came too
    with running_engine(tmp_path) as engine, Store.connect(engine.settings()) as store:
        assert store.command("SELECT count() FROM slow") == 1


def test_rows_survive_a_kill(tmp_path):
    with running_engine(tmp_path) as engine:
        with Store.connect(engine.settings()) as store:
            store.command("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
            store.command("INSERT INTO kept VALUES (1), (2)")
        engine.process.kill()
        engine.process.wait()
    with running_engine(tmp_path, engine.port) as engine, Store.connect(engine.settings()) as store:
        assert store.command("SELECT count() FROM kept") == 2


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x00\n\x01", b"\x00\n\x01"),
        (b"INSERT INTO t (`a FORMAT b`) FORMAT CSV\n1", b"1"),
        (b"INSERT INTO t SETTINGS x='FORMAT CSV' FORMAT TSV\n2", b"2"),
        (b'/* FORMAT CSV */ insert into t format JSONEachRow {"a":1}', b'{"a":1}'),
    ],
)
def test_the_bytes_of_an_insert_begin_after_its_format(body, data):
    assert split_insert(body).data == data


@pytest.mark.parametrize(
    "body", [b"SELECT 1 FORMAT CSV\n", b"INSERT INTO t SELECT 1 FORMAT CSV", b"INSERT INTO t VALUES ('FORMAT CSV\n')"]
)
def test_a_statement_without_bytes_stays_whole(body):
    assert split_insert(body) is None


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("AGRO_CLICKHOUSE_PORT", "9000")
    monkeypatch.setenv("AGRO_CLICKHOUSE_PASSWORD", "hush")
    settings = ClickHouseSettings()
    assert settings.port == 9000
    assert "hush" not in repr(settings)
