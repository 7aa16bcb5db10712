"""A whole platform of which every program is killed: each answers again, nothing stays behind, nobody is lied to."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import psutil
import pytest

from agro import doctor, platform, programs, served, status
from base.home import home
from bentos import deploy, processes, readiness, standing, supervised
from bentos.bento import find
from bentos.errors import PortTaken
from bentos.settings import ServingSettings
from bentos.supervised import Section
from rollout.history import History

pytestmark = pytest.mark.timeout(600)

PARTS = ["clickhouse", "smtp", "hints", "prefect", "mlflow", "worker", "reaper", "recommender"]


@pytest.fixture(scope="module", autouse=True)
def bento(world, platform):
    """The recommender that serves; what this process asks of the platform it asks of the world's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AGRO_")]:
            patch.delenv(name)
        for name, value in world.environment.items():
            if name.startswith("AGRO_"):
                patch.setenv(name, value)
        yield find(History.open().current("recommender").tag, ServingSettings().home)


def program(part):
    """The supervised program that is a part."""
    return standing.place(part).holder() if part == "recommender" else part


def family_of(name):
    """A program's process and all that it started."""
    parent = psutil.Process(supervised.condition(program(name)).pid)
    return [parent, *parent.children(recursive=True)]


def answers(name):
    """Whether the supervised program itself does its work."""
    condition = supervised.condition(name)
    if name == "recommender":
        return standing.of(name).serves(History.open().current(name).digest)
    if name in programs.helpers():
        return condition.state == "RUNNING"
    (server,) = (server for server in programs.servers() if server.name == name)
    return platform.is_ready(server) and condition.listens(server.port)


def until(true, patience_s=120):
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def found_by_doctor():
    return {finding.part: finding for finding in doctor.examine()}


@pytest.fixture(scope="module")
def killed(bento):
    """Every program's processes before its parent was killed, all at once."""
    lives = {name: family_of(name) for name in PARTS}
    for parent, *_ in lives.values():
        parent.kill()
    return lives


@pytest.mark.parametrize("name", PARTS)
def test_a_program_that_was_killed_answers_again_and_leaves_no_process_behind(killed, name):
    until(lambda: answers(name))
    assert [process.pid for process in killed[name] if not processes.gone(process)] == []


def test_a_program_that_dies_again_and_again_is_told_as_failing_until_up_starts_it_anew():
    supervised.swap(Section("reaper", [sys.executable, "-c", "raise SystemExit('no luck today')"]))
    until(lambda: supervised.condition("reaper").failing)
    finding = found_by_doctor()["reaper"]
    assert not finding.healthy and "no luck today" in finding.found and "agro up" in finding.remedy
    assert {row["part"]: row["state"] for row in status.parts()}["reaper"].startswith("failing")
    platform.prepare_prefect()  # as `agro up` does
    until(lambda: answers("reaper"))
    assert found_by_doctor()["reaper"].healthy


class Impostor(BaseHTTPRequestHandler):
    """Says that it serves what is wanted."""

    said: ClassVar[dict] = {}

    def do_GET(self):
        body = json.dumps(self.said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_an_answer_of_a_process_that_is_not_ours_is_not_taken_for_the_service(bento):
    base, port = standing.url("recommender"), ServingSettings().port("recommender")
    Impostor.said = readiness.at(base)
    assert Impostor.said["digest"] == bento.digest
    supervised.control().stopProcess(program("recommender"))
    with ThreadingHTTPServer(("127.0.0.1", port), Impostor) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert readiness.at(base) == Impostor.said
        assert not standing.of("recommender").serves(bento.digest)
        assert "another process" in found_by_doctor()["recommender"].found
        with pytest.raises(PortTaken, match="AGRO_SERVING_RECOMMENDER_PORT"):
            deploy.deploy(bento)
        server.shutdown()
    deploy.deploy(bento)
    assert standing.of("recommender").serves(bento.digest)


def test_a_bento_that_refuses_its_files_is_shown_with_its_reason_and_holds_nothing_up(bento):
    (damaged,) = (bento.source / "artifact").glob("*.npz")
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + b"?")
    parent = family_of("recommender")[0]
    parent.kill()
    until(lambda: processes.gone(parent))
    told = []
    served.wait(told.append)
    assert any("refuses" in line and "agro serve recommender" in line for line in told)
    (row,) = (row for row in status.parts() if row["part"] == "recommender")
    assert row["state"].startswith("it refuses: recommender version 1")
    assert "refuses" in found_by_doctor()["recommender"].found
    damaged.write_bytes(whole)


def test_up_after_the_supervisor_was_killed_starts_all_but_what_a_damaged_table_knew_which_serve_mends(world):
    lives = [process for name in PARTS for process in family_of(name)]
    table = home() / "rollout" / "history.db"
    table.write_bytes(b"this is no table, and longer than the header of one" * 99)
    os.kill(supervised.control().getPID(), signal.SIGKILL)
    answer = world.agro("up")
    assert answer.returncode == 0, answer.stderr
    assert "nothing serves" in answer.stderr and "move it away" in answer.stderr
    assert [process.pid for process in lives if not processes.gone(process)] == []
    found = found_by_doctor()
    assert [part for part, finding in found.items() if not finding.healthy] == ["history"]
    assert "history.db is no table" in found["history"].found and "agro serve" in found["history"].remedy
    table.rename(home() / "damaged.db")
    answer = world.agro("serve", "recommender")
    assert answer.returncode == 0, answer.stderr
    assert found_by_doctor()["recommender"].healthy


def test_down_after_the_supervisor_was_killed_stops_what_is_left_and_says_so(world):
    lives = [process for name in PARTS for process in family_of(name)]
    marks = {**os.environ, processes.PROGRAM: "mlflow"}  # as a worker that its dead parent left behind
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=marks)
    os.kill(supervised.control().getPID(), signal.SIGKILL)
    answer = world.agro("down")
    assert answer.returncode == 0, answer.stderr
    assert "the supervisor was gone" in answer.stderr and f"mlflow ({left.pid})" in answer.stderr
    assert left.wait() == -signal.SIGTERM
    assert [process.pid for process in lives if not processes.gone(process)] == []
    assert not any(platform.sockets.answers(server.host, server.port) for server in programs.servers())
    assert world.agro("down").returncode == 3
    assert json.loads(world.agro("doctor", "--json").stdout)
