"""Who may ask the engine, and what no statement may do: strangers, pages in a browser, paths, programs."""

import base64
import gzip
import socket
import urllib.error
import urllib.parse
import urllib.request
import zlib

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from features.engine.body import TooLarge, decoded
from features.errors import StoreRefused
from features.settings import ClickHouseSettings
from features.store import Store
from tests.e2e import pages
from tests.fixtures.clickhouse import KEY, PASSWORD, beside, get, run_engine, start_engine
from tests.foreign_page import site
from tests.ports import free_port


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
