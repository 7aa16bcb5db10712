"""What the packaging flow does with a built Bento, its processes being fakes."""

from dataclasses import replace
from pathlib import Path

import pytest

from bentos import deploy as deploying
from bentos.bento import Bento
from bentos.check import CheckReport
from bentos.deploy import Newcomer
from bentos.errors import BentoRefused
from bentos.places import Place
from bentos.settings import ServingSettings
from flows import package as flow
from models import families
from rollout.history import History
from rollout.row import Event, Row
from rollout.settings import HistorySettings

SETTINGS = ServingSettings()


def bento(version, model="recommender"):
    return Bento(f"{model}:{version}-abcd1234", Path("/nowhere"), "d" * 64, model, str(version))


@pytest.fixture
def history(tmp_path):
    return History.open(HistorySettings(file=tmp_path / "history.db", records=tmp_path / "none"))


@pytest.fixture
def world(monkeypatch):
    """A supervisor that does what it is told, and the words it was told in; it may be told what a check finds."""
    said = type("World", (), {"told": [], "serves": None, "differences": []})()

    def start(one, settings, arm, beside):
        said.told.append(f"start {one.tag}")
        return Newcomer(one, Place(Path("/p"), "recommender"), "recommender-champion-2", settings, tuple(beside))

    def replayed(one, socket, settings, ready_s):
        return CheckReport(one.tag, not said.differences, 5, said.differences, 3.0, [2.0, 4.0])

    monkeypatch.setattr(deploying, "serves", lambda one, settings: said.serves == one.tag)
    monkeypatch.setattr(deploying, "start", start)
    monkeypatch.setattr(deploying, "take_over", lambda newcomer: said.told.append(f"take over {newcomer.bento.tag}"))
    monkeypatch.setattr(deploying, "discard", lambda newcomer: said.told.append(f"discard {newcomer.bento.tag}"))
    monkeypatch.setattr(flow, "replay", replayed)
    monkeypatch.setattr(flow, "replace", flow.replace.fn)
    return said


def test_a_version_is_started_once_checked_there_and_takes_the_port_over(world, history):
    history.append(Row("recommender", Event.SERVES, 1, "champion", "recommender:1-abcd1234"))
    row, asked = flow.serve(bento(2), history, SETTINGS)
    assert world.told == ["start recommender:2-abcd1234", "take over recommender:2-abcd1234"]
    assert asked == 5
    assert history.current("recommender") == row
    assert (row.version, row.before, row.port) == (2, 1, SETTINGS.port("recommender"))
    assert row.result == "5 golden requests answered as the model does, 4 ms at most; ready after 3.0 s"


def test_one_that_answers_otherwise_is_stopped_and_never_gets_the_port(world, history):
    world.differences = ["request 0: user_id: 'a' instead of 'b'"]
    with pytest.raises(BentoRefused, match="answers otherwise than the model: request 0"):
        flow.serve(bento(2), history, SETTINGS)
    assert world.told == ["start recommender:2-abcd1234", "discard recommender:2-abcd1234"]
    assert history.rows("recommender") == []


def test_what_serves_already_is_neither_started_nor_written_down_again(world, history):
    first, _ = flow.serve(bento(2), history, SETTINGS)
    world.serves, world.told = "recommender:2-abcd1234", []
    assert flow.serve(bento(2), history, SETTINGS) == (first, 0)
    assert world.told == []


def test_a_row_that_a_crash_left_out_is_written_by_the_next_run(world, history):
    world.serves = "recommender:2-abcd1234"
    row, asked = flow.serve(bento(2), history, SETTINGS)
    assert (asked, history.current("recommender")) == (0, row)


def test_the_other_models_of_a_service_come_along(world, history, monkeypatch):
    """One process answers for all models of a service."""
    forecaster = families.registered("demand-forecaster")
    monkeypatch.setitem(families.models(), "yield-predictor", replace(forecaster, name="yield-predictor"))
    beside = bento(4, "yield-predictor")
    monkeypatch.setattr(flow, "find", lambda tag, home: {beside.tag: beside}[tag])
    for row in (("yield-predictor", 4, "champion"), ("yield-predictor", 5, "canary"), ("recommender", 1, "champion")):
        history.append(Row(row[0], Event.SERVES, row[1], row[2], f"{row[0]}:{row[1]}-abcd1234"))
    assert flow.neighbours(bento(2, "demand-forecaster"), history, SETTINGS) == [beside]
