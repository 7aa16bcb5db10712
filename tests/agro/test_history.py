"""What `agro history` answers."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from agro.main import app
from rollout.history import History
from rollout.row import Event, Row

TEN = datetime(2026, 3, 3, 10, tzinfo=UTC)


@pytest.fixture
def rows(monkeypatch, tmp_path):
    """A version that was promoted at ten and served a minute later, in place of another."""
    monkeypatch.setenv("AGRO_HOME", str(tmp_path))
    history = History.open()
    moments = (("serve", 1, 9, 0), ("promote", 2, 10, 0), ("serve", 2, 10, 1))
    for event, version, hour, minute in moments:
        arm = "champion" if event == Event.SERVES else ""
        at = TEN.replace(hour=hour, minute=minute)
        history.append(Row("recommender", event, version, arm, f"recommender:{version}-abcd1234", who="ada", at=at))


def told(*arguments):
    answer = CliRunner().invoke(app, ["history", "recommender", *arguments])
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_all_that_happened_comes_newest_first(rows):
    found = json.loads(told("--json"))
    assert [(row["event"], row["version"]) for row in found] == [("serve", 2), ("promote", 2), ("serve", 1)]
    assert found[1]["at"] == "2026-03-03T10:00:00.000+00:00" and found[1]["who"] == "ada"


def test_what_served_at_a_moment_is_a_row_an_arm(rows):
    served = [[row["version"] for row in json.loads(told("--json", "--at", at))] for at in
              ("2026-03-03T10:00", "2026-03-03T10:01:00", "2026-03-03")]  # fmt: skip
    assert served == [[1], [2], []]


def test_a_person_reads_a_table(rows):
    assert "promote" in told() and "ada" in told()
