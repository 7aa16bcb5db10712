"""What the doctor says of what starts, and of what cannot be read."""

import time

import pytest

from agro import doctor, platform, programs, served
from base.home import home
from bentos import standing, supervised
from bentos.standing import Standing
from bentos.supervised import Condition
from rollout.row import Event, Row

ROW = Row("recommender", Event.SERVES, 1, "champion", "recommender:1-abcd1234", "d" * 64, 3001)


@pytest.fixture
def silent(monkeypatch):
    """A platform that runs, of which nothing answers yet."""
    monkeypatch.setattr(platform, "is_ready", lambda server: False)
    monkeypatch.setattr(supervised, "running", lambda: True)


@pytest.mark.parametrize(("age_s", "remedy"), [(5, "wait a moment"), (5_000, "`agro down`, then `agro up`")])
def test_a_server_that_starts_is_not_told_to_be_restarted(silent, age_s, remedy):
    condition = Condition("RUNNING", 7, since=time.time() - age_s)
    found = doctor._server(programs.smtp(), condition, up=True)
    assert not found.healthy and remedy in found.remedy


def test_one_that_starts_again_and_again_is(silent):
    found = doctor._server(programs.smtp(), Condition("RUNNING", 7, 5, time.time()), up=True)
    assert "5 times within a minute" in found.found and "agro up" in found.remedy


READY = {"ready": True, "models": {"recommender": {"model_version": "1", "digest": "d" * 64}}}


def stands(condition, said, listens=True):
    return Standing(
        "recommender", "http://a", "recommender-champion", "recommender-champion-1", condition, listens, said
    )


@pytest.mark.parametrize(
    ("now", "found", "remedy"),
    [
        (stands(Condition("RUNNING", 7, since=time.time() + 3600), {}), "is starting", "wait a moment"),
        (stands(Condition("RUNNING", 7, since=1.0), {}), "does not serve: RUNNING", "`agro serve recommender`"),
        (
            stands(Condition("RUNNING", 7), {"type": "urn:not-ready", "detail": "model.json changed"}),
            "it refuses: model.json changed",
            "`agro serve recommender`",
        ),
        (
            stands(Condition("STOPPED"), {"ready": True, "model": "recommender", "model_version": "1"}, listens=False),
            "recommender 1 of another process answers",
            "`agro serve recommender`",
        ),
        (stands(Condition("RUNNING", 7), READY), "ready", ""),
    ],
)
def test_a_bento_is_told_as_it_stands(silent, monkeypatch, now, found, remedy):
    monkeypatch.setattr(standing, "of", lambda model, arm: now)
    healthy, said, do = served.stands(ROW)
    assert found in said and remedy in do
    assert healthy == (not remedy)


def test_a_damaged_table_is_told_in_our_words_and_hides_nothing_else():
    table = home("rollout", "history.db")
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_bytes(b"this is no table, and longer than the header of one" * 99)
    (finding,) = doctor._bentos()
    assert finding.part == "history" and not finding.healthy
    assert "is no table of what served any more" in finding.found and "move it away" in finding.remedy
    assert served.sections() == []
    table.unlink()
