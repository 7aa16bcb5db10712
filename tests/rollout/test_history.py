"""The table of what served, on a SQLite file."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import pytest
from sqlalchemy.dialects import postgresql

from rollout import table
from rollout.errors import HistoryDamaged, HistoryUnreachable
from rollout.history import History
from rollout.row import Event, Row
from rollout.settings import HistorySettings

TUESDAY_TEN = datetime(2026, 3, 3, 10, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    return HistorySettings(file=tmp_path / "history.db", records=tmp_path / "deployed")


@pytest.fixture
def history(settings):
    return History.open(settings)


def serves(version, model="recommender", arm="champion", **known):
    return Row(model, Event.SERVES, version, arm, f"{model}:{version}-abcd1234", "abcd1234" * 8, 3001, **known)


def test_what_serves_is_the_last_row_of_each_models_arms(history):
    for row in (serves(1), serves(2), serves(4, "leaf-disease"), serves(3, arm="canary")):
        history.append(row)
    assert [(row.model, row.arm, row.version) for row in history.serving()] == [
        ("leaf-disease", "champion", 4), ("recommender", "canary", 3), ("recommender", "champion", 2),
    ]  # fmt: skip
    history.append(Row("recommender", Event.STOPPED, arm="canary"))
    assert [(row.model, row.arm) for row in history.serving()] == [
        ("leaf-disease", "champion"), ("recommender", "champion"),
    ]  # fmt: skip
    assert history.current("recommender").version == 2
    assert history.current("recommender", "canary") is None


def test_steps_that_move_no_traffic_change_nothing_of_what_serves(history):
    history.append(serves(1))
    history.append(Row("recommender", Event.PROMOTED, 2))
    history.append(Row("recommender", "check", 2, result="answers as the model did"))
    assert history.current("recommender").version == 1


def test_a_row_is_given_back_as_it_was_written(history):
    row = serves(1, before=7, who="ada", result="ok", at=TUESDAY_TEN)
    history.append(row)
    assert history.rows("recommender") == [row]


def test_which_version_served_on_tuesday_at_ten(history):
    history.append(serves(1, at=TUESDAY_TEN - timedelta(hours=1)))
    history.append(serves(2, at=TUESDAY_TEN + timedelta(seconds=1)))
    history.append(Row("recommender", Event.STOPPED, arm="champion", at=TUESDAY_TEN + timedelta(hours=1)))
    hours = [
        [row.version for row in history.at("recommender", TUESDAY_TEN + timedelta(hours=n))] for n in (-2, 0, 0.5, 2)
    ]
    assert hours == [[], [1], [2], []]


def test_what_is_learned_of_late_stands_where_it_happened(history):
    history.append(Row("recommender", Event.PROMOTED, 2, at=TUESDAY_TEN))
    history.append(Row("recommender", Event.SEEN, 1, at=TUESDAY_TEN - timedelta(hours=1)))
    assert [row.version for row in history.moves("recommender")] == [1, 2]


def test_the_file_itself_refuses_changes(history, settings):
    history.append(serves(1))
    with sqlite3.connect(settings.file) as file:
        for change in ("UPDATE rollout_history SET version = 9", "DELETE FROM rollout_history"):
            with pytest.raises(sqlite3.IntegrityError, match="never changed"):
                file.execute(change)


def test_postgres_is_told_the_same_rules():
    told = [str(one.compile(dialect=postgresql.dialect())) for one in table.statements("postgresql")]
    assert "BEFORE UPDATE OR DELETE ON rollout_history" in told[-1]
    assert "SERIAL" in told[0] and "IF NOT EXISTS" in told[0]


def _append(settings, versions):
    history = History.open(settings)
    for version in versions:
        history.append(serves(version))


def test_processes_that_open_and_write_at_once_lose_nothing(settings):
    spawn = get_context("spawn")
    writers = [spawn.Process(target=_append, args=(settings, range(n, n + 20))) for n in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert len(History.open(settings).rows("recommender")) == 60


def record(version, since, model="recommender"):
    tag = f"{model}:{version}-abcd1234"
    return json.dumps({"model": model, "version": version, "tag": tag, "digest": "d", "port": 3001, "since": since})


def test_the_records_of_an_earlier_platform_are_taken_over_once(settings):
    settings.records.mkdir()
    lines = [record("1", "2026-03-01T10:00:00+00:00"), '{"model": "recom', record("2", "2026-03-02T10:00:00+00:00")]
    (settings.records / "recommender.history.jsonl").write_text("\n".join(lines))
    (settings.records / "recommender.json").write_text(lines[-1])
    (settings.records / "leaf-disease.json").write_text(record("4", "2026-03-01T11:00:00+00:00", "leaf-disease"))
    (settings.records / "demand-forecaster.json").write_text("{")
    for _ in range(2):
        history = History.open(settings)
        assert [row.version for row in history.rows("recommender")] == [1, 2]
        assert {row.model: row.version for row in history.serving()} == {"recommender": 2, "leaf-disease": 4}
    assert history.current("recommender").at == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_damaged_file_is_told_with_what_to_do(settings):
    settings.file.write_bytes(b"this is no database, and longer than any header of one would be" * 99)
    with pytest.raises(HistoryDamaged, match="move it away"):
        History.open(settings)


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path, monkeypatch):
    (tmp_path / "taken").touch()
    lost = HistorySettings(file=tmp_path / "history.db", database=f"sqlite:///{tmp_path}/nowhere/history.db")
    with pytest.raises(HistoryUnreachable, match="nowhere"):
        History.open(lost)
    assert "secret" not in HistorySettings(database="postgresql://ada:secret@db/agro").shown
