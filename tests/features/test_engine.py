"""The process that owns the embedded engine, asked by plain clickhouse-connect."""

import base64
import datetime as dt
import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from features.engine.body import TooLarge, decoded
from features.engine.statement import split_insert
from features.errors import StoreRefused
from features.settings import ClickHouseSettings
from features.store import Store
from tests.e2e import pages
from tests.fixtures.clickhouse import ROOT, running_engine, start_engine
from tests.foreign_page import site
from tests.ports import free_port

PASSWORD = os.environ["AGRO_CLICKHOUSE_PASSWORD"]
KEY = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": PASSWORD}
NASTY = "it's \\ a \n ? \t ; \r \x00 é {x:String} -- /* `"


@pytest.fixture
def client(clickhouse, clickhouse_settings):
    Store.connect(clickhouse_settings).close()
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=clickhouse.port, database=clickhouse_settings.database, autogenerate_session_id=False,
        password=PASSWORD,
    )  # fmt: skip
    yield client
    client.close()


def get(clickhouse, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{clickhouse.port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def run_engine(*arguments):
    command = [sys.executable, "-m", "features.engine", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


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


def beside(rows, **columns):
    return ExternalData(data=rows, file_name="sent", fmt="TabSeparated", **columns)


def test_rows_that_come_with_a_query_are_a_table_while_it_runs(client):
    asked = "SELECT sum(n) AS n, any(t) AS one FROM sent WHERE t = {t:String}"
    rows = b"1\tit's\n2\tit's\n4\tx\n"
    for settings in ({}, {"readonly": "1"}):
        given = {"external_data": beside(rows, structure="n UInt8, t String"), "parameters": {"t": "it's"}}
        assert client.query(asked, settings=settings, **given).first_row == (3, "it's")
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.query("SELECT * FROM sent")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"structure": "a String) ENGINE = File(CSV) --"}, "File would reach out"),
        ({"types": "String"}, "sent_structure"),
    ],
)
def test_rows_that_come_with_a_query_open_no_door(client, columns, message):
    with pytest.raises(DatabaseError, match=message):
        client.query("SELECT * FROM sent", external_data=beside(b"x\n", **columns))


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


def refusal(clickhouse, path, **headers):
    with pytest.raises(urllib.error.HTTPError) as error:
        get(clickhouse, path, **headers)
    return error.value.code, int(error.value.headers["X-ClickHouse-Exception-Code"]), error.value.read().decode()


def test_a_page_in_a_browser_is_refused_even_with_the_password(clickhouse):
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        assert refusal(clickhouse, "/?query=SELECT%201", **KEY, **headers)[:2] == (403, 497)
    assert refusal(clickhouse, "/ping", Host="evil.example")[:2] == (403, 497)
    assert refusal(clickhouse, "/ping", Host="[")[:2] == (403, 497)


def test_the_password_is_taken_where_clickhouse_takes_it(clickhouse):
    basic = base64.b64encode(f"default:{PASSWORD}".encode()).decode()
    assert get(clickhouse, "/?query=SELECT%201", **KEY) == "1\n"
    assert get(clickhouse, "/?query=SELECT%201", Authorization=f"Basic {basic}") == "1\n"
    assert get(clickhouse, f"/?query=SELECT%201&user=default&password={PASSWORD}") == "1\n"


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-ClickHouse-Key": "wrong"}, {**KEY, "X-ClickHouse-User": "root"}, {"Authorization": "Basic ZGVmYXVsdDo="},
     {"Authorization": "Basic \xe9"}, {"Authorization": f"Bearer {PASSWORD}"}],
)  # fmt: skip
def test_who_does_not_know_the_password_is_refused_with_clickhouses_code(clickhouse, headers):
    status, code, text = refusal(clickhouse, "/?query=SELECT%201", **headers)
    assert (status, code) == (403, 516)
    assert "Authentication failed" in text and PASSWORD not in text


def test_a_client_with_a_wrong_password_is_told_the_settings_to_look_at(clickhouse):
    with pytest.raises(StoreRefused, match=r"AGRO_HOME .* AGRO_CLICKHOUSE_PASSWORD") as error:
        Store.connect(clickhouse.settings(password="wrong"))
    assert error.value.code == 516


def test_a_stranger_is_refused_before_a_byte_of_its_body_is_read(clickhouse):
    head = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n"
    for more in ("\r\n", "Expect: 100-continue\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", clickhouse.port), timeout=10) as line:
            line.sendall((head + more).encode())  # and never a byte of the body
            answer = b"".join(iter(lambda: line.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 403")
        assert b"Authentication failed" in answer


@pytest.mark.parametrize("length", ["Content-Length: -1", "Content-Length: many", "Transfer-Encoding: chunked"])
def test_a_body_of_no_honest_length_is_refused_at_once(clickhouse, length):
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-ClickHouse-Key: {PASSWORD}\r\n{length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", clickhouse.port), timeout=10) as line:
        line.sendall(head.encode() + b"-5\r\nSELECT 1\r\n")
        assert b"is no length of a body" in line.recv(4096)


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused():
    bomb = zlib.compress(b"SELECT 1" + b" " * (1 << 24))
    with pytest.raises(TooLarge, match="unpacks to more than 1024 bytes"):
        decoded(bomb, "deflate", 1024)
    with pytest.raises(TooLarge, match="unpacks to more than 1024 bytes"):
        decoded(gzip.compress(b" " * (1 << 24)), "gzip", 1024)


def test_the_engine_does_not_start_without_a_password(tmp_path, monkeypatch):
    monkeypatch.setenv("AGRO_CLICKHOUSE_PASSWORD", "")
    done = run_engine("--path", str(tmp_path), "--port", str(free_port()))
    assert done.returncode == 1
    assert "AGRO_CLICKHOUSE_PASSWORD is empty" in done.stderr


def test_by_default_the_password_is_a_secret_that_only_its_owner_reads(tmp_path, monkeypatch):
    monkeypatch.delenv("AGRO_CLICKHOUSE_PASSWORD")
    monkeypatch.setenv("AGRO_HOME", str(tmp_path))
    settings = ClickHouseSettings()
    assert len(settings.password.get_secret_value()) > 20
    assert settings == ClickHouseSettings()
    assert (tmp_path / "secrets" / "clickhouse").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE kept",
        "SELECT 1; DROP TABLE kept",
        "SELECT 1; INSERT INTO kept VALUES (2)",
        "WITH 1 AS a SELECT 1 INTO OUTFILE '{folder}/out.csv'",
        "SELECT 1 INTO/**/outfile '{folder}/out.csv' FORMAT CSV",
        "SELECT 1 # ' \n INTO OUTFILE '{folder}/out.csv'",
        "SELECT * FROM file('{folder}/secret.txt', 'LineAsString')",
        "SELECT file('{folder}/secret.txt')",
        "SELECT `\\x66ile`('{folder}/secret.txt')",
        "SELECT * FROM url('http://127.0.0.1:{port}/ping', 'LineAsString')",
        "SELECT * FROM `url`('http://127.0.0.1:{port}/ping', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1:9', 'default', 't')",
        "SELECT * FROM executable('x.sh', 'TSV', 'a String', (SELECT 1))",
        "SELECT * FROM kept SETTINGS readonly = 0, max_threads = 3",
    ],
)
def test_get_neither_writes_nor_reaches_out_of_the_database(clickhouse, tmp_path, query):
    (tmp_path / "secret.txt").write_text("hush")
    with Store.connect(clickhouse.settings()) as store:
        store.command("CREATE OR REPLACE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
        store.command("INSERT INTO kept VALUES (1)")
        asked = urllib.parse.quote(query.format(folder=tmp_path, port=clickhouse.port))
        path = f"/?query={asked}&database={store.settings.database}"
        _, code, text = refusal(clickhouse, path, **KEY)
        assert store.command("SELECT count() FROM kept") == 1
    assert code in (164, 497) and "hush" not in text and "Ok." not in text
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]


def test_get_reads_with_parameters_settings_and_a_database(clickhouse, migrated):
    asked = "SELECT {n:UInt32} + count(), getSetting('max_block_size') FROM items"
    path = f"/?query={urllib.parse.quote(asked)}&param_n=7&max_block_size=77&database={migrated.settings.database}"
    assert get(clickhouse, path, **KEY).split("\t")[1] == "77\n"


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1 INTO OUTFILE '/tmp/never'", "INSERT INTO FUNCTION file('/tmp/never') SELECT 1",
     "CREATE TABLE out (a String) ENGINE = URL('http://127.0.0.1:1/')", "SELECT * FROM s3('http://127.0.0.1:1/x')",
     "CREATE DATABASE z ENGINE /**/ Filesystem('/')", "CREATE TABLE out (a String) ENGINE `File`(CSV)",
     "CREATE DICTIONARY d (k String) PRIMARY KEY k SOURCE(HTTP(URL 'http://127.0.0.1:1/')) LAYOUT(FLAT())",
     "SYSTEM SHUTDOWN"],
)  # fmt: skip
def test_post_does_not_reach_out_of_the_database_either(client, sql):
    with pytest.raises(DatabaseError, match="would reach out of the database"):
        client.command(sql)


@pytest.mark.parametrize("database", ["default", "agrologistic"])
@pytest.mark.parametrize("table", ["'/etc/hostname'", "`/etc/hostname`", '"/etc/hostname"', "default.`/etc/hostname`"])
def test_a_path_is_no_name_of_a_table(client, table, database):
    with pytest.raises(DatabaseError, match=r"UNKNOWN_TABLE|UNKNOWN_DATABASE|SYNTAX_ERROR"):
        client.query(f"SELECT * FROM {table}", settings={"database": database})


def test_words_that_name_files_are_only_words_in_rows_and_parameters(client):
    text = "url('x') INTO OUTFILE 'y'"
    client.command("CREATE TABLE words (file String) ENGINE = Memory")
    client.insert("words", [[text]], column_names=["file"])
    found = client.query("SELECT file FROM words WHERE file = {t:String}", parameters={"t": text})
    assert found.result_rows == [(text,)]


def test_a_query_that_asks_for_readonly_leaves_the_engine_able_to_write(client):
    assert client.query("SELECT 1", settings={"readonly": "1"}).first_row == (1,)
    client.command("CREATE TABLE after (a UInt8) ENGINE = Memory")
    assert client.command("EXISTS after") == 1


PAGE = """<body><img id=i><iframe name=f></iframe>
<form id=p target=f method=post enctype=text/plain action="{post}">
<input name="INSERT INTO t VALUES (9) --" value=x></form>
<script>
const tried = [fetch("{post}", {{method: "POST", mode: "no-cors", body: "INSERT INTO t VALUES (9)"}}),
  fetch("{get}", {{mode: "no-cors"}}),
  new Promise(done => {{ i.onload = i.onerror = done; i.src = "{get}" }}),
  new Promise(done => {{ document.querySelector("iframe").onload = done; p.submit() }})];
Promise.allSettled(tried).then(() => document.body.append("all tried"));
</script>"""


def test_a_page_in_chromium_writes_nothing_even_if_it_knew_the_password(clickhouse, tmp_path):
    with Store.connect(clickhouse.settings()) as store:
        store.command("CREATE OR REPLACE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        known = f"http://127.0.0.1:{clickhouse.port}/?password={PASSWORD}&database={store.settings.database}"
        query = urllib.parse.quote(f"SELECT 1 INTO OUTFILE '{tmp_path}/out.txt'")
        with site(PAGE.format(post=known, get=f"{known}&query={query}")) as port:
            _, asked = pages.read(f"http://localhost:{port}/", "all tried", "desktop")
        assert asked == {"localhost", "127.0.0.1"}
        assert store.command("SELECT count() FROM t") == 0
    assert list(tmp_path.iterdir()) == []


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


def test_an_address_other_machines_can_reach_is_refused(tmp_path):
    done = run_engine("--path", str(tmp_path), "--host", "0.0.0.0")
    assert done.returncode == 1
    assert "not a loopback address" in done.stderr


def test_a_statement_over_the_bound_is_refused_and_the_engine_lives(tmp_path):
    engine = start_engine(tmp_path, None, "--max-body-mb", "1")
    try:
        url = f"http://127.0.0.1:{engine.port}/?password={PASSWORD}"
        with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)):
            urllib.request.urlopen(url, data=b"SELECT '" + b"x" * (2 << 20) + b"'", timeout=10)
        assert urllib.request.urlopen(url, data=b"SELECT 1", timeout=10).read() == b"1\n"
    finally:
        engine.stop()


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
