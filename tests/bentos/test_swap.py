"""Versions that take a port over from each other, under a real supervisor and under load."""

import json
import shutil
import socket
import threading
import time
from collections import Counter
from dataclasses import replace
from http.client import HTTPConnection

import pytest

from agro import platform
from bentos import deploy, processes, standing, supervised
from bentos.deploy import Newcomer
from bentos.errors import BentoUnready, PortTaken
from bentos.package import package
from tests.ports import free_port

pytestmark = pytest.mark.timeout(900)
CLIENTS, SWAPS = 16, 10


@pytest.fixture(scope="module")
def settings(serving_settings, tmp_path_factory):
    """The host's settings, under a supervisor of its own that runs nothing yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGRO_HOME", str(tmp_path_factory.mktemp("h")))
        patch.setenv("AGRO_SERVING_LOG_PREDICTIONS", "false")
        platform.begin([])
        yield serving_settings.model_copy(update={"recommender_port": free_port(), "start_timeout_s": 300})
        supervisor = supervised.control()
        process = processes.Process(supervisor.getPID())
        supervisor.shutdown()
        processes.wait([process], 30)
        processes.end(processes.of_program())


@pytest.fixture(scope="module")
def versions(bentos, artifacts, settings):
    """Two Bentos of one model."""
    return [bentos["recommender"], package("recommender", 8, *artifacts["recommender"], settings)]


class Crowd:
    """Clients that keep their connections and ask one question after another."""

    def __init__(self, port):
        self.port, self.over, self.hurry = port, threading.Event(), threading.Event()
        self.seen, self.errors = Counter(), []
        self.threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _ask(self):
        connection, body = HTTPConnection("127.0.0.1", self.port, timeout=30), json.dumps({"user_id": "u001"})
        while not self.over.is_set():
            try:
                connection.request("POST", "/api/v1/recommendations", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                self.seen[answer.status, json.loads(answer.read()).get("model_version")] += 1
            except Exception as exc:
                self.errors.append(repr(exc))
                connection.close()
            time.sleep(0 if self.hurry.is_set() else 0.25)
        connection.close()


def begun(bento, settings, number):
    """A newcomer of that number in the champion's place, while others start there, too."""
    place = standing.place("recommender")
    newcomer = Newcomer(bento, place, place.program(number), settings)
    supervised.swap(newcomer.section())
    return newcomer


def running(place):
    found = supervised.conditions().items()
    return {name for name, condition in found if place.numbered(name) and condition.pid}


def test_ten_swaps_under_load_lose_no_request(versions, settings, say):
    deploy.deploy(versions[0], settings)
    port, spent = settings.port("recommender"), []
    with Crowd(port) as crowd:
        for pair in range(2, SWAPS + 2, 2):
            newcomers = [begun(versions[number % 2], settings, number + 1) for number in (pair + 1, pair)]
            for newcomer in newcomers:
                deploy.wait_ready(newcomer)
            crowd.hurry.set()
            for newcomer in newcomers:
                before = crowd.seen.total()
                began = time.monotonic()
                deploy.take_over(newcomer)
                spent.append(time.monotonic() - began)
                while crowd.seen.total() < before + 200:
                    time.sleep(0.01)
            crowd.hurry.clear()
        crowd.over.set()
    assert crowd.errors == []
    assert {status for status, _ in crowd.seen} == {200}, crowd.seen
    assert {version for _, version in crowd.seen} == {"7", "8"}
    assert len(spent) == SWAPS
    say(f"{SWAPS} swaps, {crowd.seen.total()} requests, none lost; a swap took {max(spent):.2f} s at most")


def test_a_holder_that_was_killed_takes_the_port_back(versions, settings):
    place = standing.place("recommender")
    before = standing.of("recommender", settings)
    assert before.listens and before.version in (7, 8)
    processes.Process(before.condition.pid).kill()
    deploy.wait_serves("recommender", versions[0].digest, settings)
    after = standing.of("recommender", settings)
    assert (after.program, after.version) == (before.program, before.version)
    assert after.condition.pid != before.condition.pid
    assert running(place) == {after.program}


def test_one_that_refuses_its_files_never_gets_the_port(versions, settings, tmp_path):
    before = standing.of("recommender", settings)
    shutil.copytree(versions[0].path, tmp_path / "damaged")
    (tmp_path / "damaged" / "src" / "artifact" / "model.json").write_text("{}")
    with pytest.raises(BentoUnready, match=r"model\.json changed"):
        deploy.start(replace(versions[0], path=tmp_path / "damaged"), settings)
    assert standing.of("recommender", settings) == before
    assert running(standing.place("recommender")) == {before.program}


def test_a_port_that_somebody_else_holds_is_named_before_anything_starts(versions, settings):
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        elsewhere = settings.model_copy(update={"recommender_port": squatter.getsockname()[1]})
        with pytest.raises(PortTaken, match="AGRO_SERVING_RECOMMENDER_PORT"):
            deploy.start(versions[0], elsewhere)


def test_a_supervisor_that_starts_anew_is_told_who_gets_the_port(versions, settings):
    told = deploy.again(versions[1], settings, "canary")
    assert told.name == standing.place("recommender", "canary").holder() == "recommender-canary-1"
    assert told.log == "recommender-canary" and told.environment["AGRO_SERVING_ARM"] == "canary"
    assert f"127.0.0.1:{settings.port('recommender') + 100}" in told.command
