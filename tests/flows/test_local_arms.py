"""What is stopped when a rollout ends, under a supervisor that only says what runs."""

import pytest

from bentos import readiness, standing, supervised
from bentos.supervised import Condition
from flows.rollout.local import LocalArms
from web.draining import DRAINING


@pytest.fixture
def running(monkeypatch, tmp_path):
    """Programs by name; whoever is removed is gone from them."""
    monkeypatch.setattr(supervised, "sockets_dir", lambda: tmp_path)
    programs = {}
    monkeypatch.setattr(supervised, "conditions", lambda: dict(programs))
    monkeypatch.setattr(supervised, "remove", programs.pop)
    monkeypatch.setattr(readiness, "at_socket", lambda socket: {})
    return programs


def runs(*names):
    return {name: Condition("RUNNING", pid) for pid, name in enumerate(names, 1)}


def test_a_version_that_a_killed_promoter_had_started_for_the_champions_port_is_stopped(running):
    place = standing.place("recommender", "champion")
    running |= runs(place.program(1), place.program(2), "forecaster-champion-2", "mlflow")
    place.give(place.program(1))
    LocalArms(None, None, None).stop("recommender")
    assert sorted(running) == ["forecaster-champion-2", "mlflow", place.program(1)]


def test_one_that_still_answers_what_it_has_ends_by_itself(running, monkeypatch):
    place = standing.place("recommender", "champion")
    running |= runs(place.program(1), place.program(2))
    place.give(place.program(2))
    monkeypatch.setattr(readiness, "at_socket", lambda socket: {"detail": DRAINING})
    LocalArms(None, None, None).stop("recommender")
    assert sorted(running) == [place.program(1), place.program(2)]


def test_whatever_runs_as_canary_is_stopped(running):
    canary = standing.place("recommender", "canary")
    running |= runs(canary.program(1), canary.program(2))
    canary.give(canary.program(2))
    LocalArms(None, None, None).stop("recommender")
    assert running == {} and canary.holder() == ""
