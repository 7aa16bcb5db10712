"""ingest, quarantine and migrate as a person calls them, against the real engine."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from agro import runs
from agro.errors import exit_code
from agro.main import app
from flows import ingest, ports

DAY = (datetime.now(UTC) - timedelta(days=3)).isoformat()
HEADER = "user_id,item_id,timestamp,event_type\n"


@pytest.fixture
def agro(store, storage, monkeypatch):
    """The program, in this process, against the store of this test."""
    monkeypatch.setenv("AGRO_CLICKHOUSE_PORT", str(store.settings.port))
    monkeypatch.setenv("AGRO_CLICKHOUSE_DATABASE", store.settings.database)
    monkeypatch.setenv("AGRO_STORAGE_QUARANTINE", str(storage.quarantine))
    return lambda *arguments, **other: CliRunner(env=other).invoke(app, arguments)


@pytest.fixture
def load(store, storage, monkeypatch):
    """`agro ingest` without the Prefect server between the command and the flow."""
    monkeypatch.setattr(ports, "connect_store", lambda: (store, storage))
    monkeypatch.setattr(ingest, "load_file", ingest.load_file.fn)
    monkeypatch.setattr(ingest, "one_at_a_time", lambda name: nullcontext())
    monkeypatch.setattr(runs, "run_flow", lambda name, title, **given: ingest.ingest.fn(**given))
    return lambda *arguments: CliRunner().invoke(app, ["ingest", *map(str, arguments)])


def test_ingest_says_the_first_reasons_and_ends_with_1_where_too_much_was_rejected(load, store, tmp_path):
    path = tmp_path / "a.csv"
    bad = "".join(f"u,i,{DAY},purchased\n" for _ in range(4)) + "u,i,never,view\n"
    path.write_text(HEADER + bad + "".join(f"u,i{n},{DAY},view\n" for n in range(45)))
    answer = load("purchases", path)
    assert answer.exit_code == 1
    assert "4 rejected: event_type breaks the rule that it is one of view" in answer.stderr
    assert "(line 2, 3, 4, …)" in answer.stderr and "1 rejected: timestamp is not a time (line 6)" in answer.stderr
    assert "agro: 5 of 50 rows were rejected (10.0 %, allowed are 5.0 %); what was good is loaded (45)" in answer.stderr
    assert store.command("SELECT count() FROM product_events") == 45
    allowed = load("purchases", path, "--max-rejected", ".1", "--json")
    assert allowed.exit_code == 0 and "allowed are" not in allowed.stderr
    assert json.loads(allowed.stdout)["files"][0]["reasons"][0]["rows"] == 4


def test_quarantine_tells_moves_and_puts_back(agro, store):
    store.command(
        "INSERT INTO product_events (event_id, event_time, user_id, product_id, event_type) VALUES "
        "('a', now(), 'u', 'i', 'purchased'), ('b', now(), 'u', 'i', 'view')"
    )
    told = agro("quarantine", "purchases", "--dry-run", "--json")
    assert [row["rows"] for row in json.loads(told.stdout)["would_move"]] == [1]
    moved = json.loads(agro("quarantine", "interactions", "--json").stdout)["moved"]
    assert store.arrow("SELECT event_id FROM product_events")["event_id"].to_pylist() == ["b"]
    shown = agro("quarantine", "interactions")
    assert shown.exit_code == 0 and moved[0]["id"] in shown.stderr + shown.stdout
    answer = agro("quarantine", "interactions", moved[0]["id"], "--back")
    assert answer.exit_code == 0, answer.stderr
    assert store.command("SELECT count() FROM product_events") == 2
    wrong = agro("quarantine", "tractors").exception
    assert exit_code(wrong) == 2 and "interactions, demand, leaves" in str(wrong)


def test_migrate_says_what_it_did_and_deletes_nothing_unasked(agro, store):
    store.command("INSERT INTO items (event_id, item_id) VALUES ('a', 'i')")
    store.command("INSERT INTO product_events (event_id, event_time) VALUES ('a', now() - INTERVAL 40 DAY)")
    shorter = {"AGRO_RETENTION_PRODUCT_EVENTS_DAYS": "30"}
    refused = agro("migrate", **shorter).exception
    assert exit_code(refused) == 2 and "1 of 1 rows would go at once" in str(refused)
    assert agro("migrate", "--json").stdout.split() == ["{", '"done":', "[]", "}"]
    done = agro("migrate", "--shorten", "--json", **shorter)
    assert json.loads(done.stdout) == {"done": ["product_events: rows live 30 days, before 1095 days"]}


def test_ingest_says_five_reasons_and_where_the_others_are(load, tmp_path):
    path = tmp_path / "a.csv"
    wrong = ["user_id,,view", f",{DAY},view", f"u,{DAY},sold", "u,never,view", "u,2090-01-01,view", "u,1969-01-01,view"]
    path.write_text(HEADER + "".join(f"{row.replace(',', ',i,', 1)}\n" for row in wrong) + f"u,i,{DAY},view,1,1\n")
    answer = load("purchases", path)
    assert answer.stderr.count("1 rejected: ") == 5
    assert "and 2 more reasons in" in answer.stderr and "rejects/purchases-a-" in answer.stderr
