"""The launcher and what is known of a program, with real processes and without a platform."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time

import psutil
import pytest

from base.home import home
from bentos import launch, processes, starts, supervised
from bentos.supervised import Condition, Section

SERVER = """
import os, socket, subprocess, sys, time
port = int(sys.argv[1])
held = socket.socket(); held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
held.bind(("127.0.0.1", port)); held.listen(); os.set_inheritable(held.fileno(), True)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], close_fds=False)
print(worker.pid, flush=True)
time.sleep(600)
"""


class Server:
    """A parent and a worker that share a port, behind the launcher."""

    def __init__(self, name, port):
        address = ("127.0.0.1", port)
        command = supervised.launched(Section(name, [sys.executable, "-c", SERVER, str(port)], address=address))
        environment = {**os.environ, "AGRO_HOME": str(home()), processes.PROGRAM: name}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.parent = psutil.Process(self.process.pid)
        self.worker = psutil.Process(int(self.process.stdout.readline()))


@pytest.fixture
def servers():
    started = []

    def start(name, port):
        started.append(Server(name, port))
        return started[-1]

    yield start
    for one in started:
        processes.end([one.parent, one.worker])
        one.process.wait()


def test_a_worker_that_outlived_its_parent_makes_way_for_the_replacement(servers, free_port):
    killed = servers("mlflow", free_port)
    killed.process.kill()
    killed.process.wait()
    assert not processes.gone(killed.worker)
    again = servers("mlflow", free_port)
    assert processes.gone(killed.worker)
    assert processes.listens(again.process.pid, free_port)
    assert starts.restarts("mlflow") == 1


def test_programs_of_another_name_or_another_home_are_left_alone(servers, monkeypatch, tmp_path):
    from tests.ports import free_port

    other = servers("prefect", free_port())
    mine = home()
    monkeypatch.setenv("AGRO_HOME", str(tmp_path / "elsewhere"))
    far = servers("mlflow", free_port())
    monkeypatch.setenv("AGRO_HOME", str(mine))
    here = servers("mlflow", free_port())
    assert not processes.gone(other.worker) and not processes.gone(far.worker)
    found = {process.pid for process in processes.of_program()}
    assert found == {other.process.pid, other.worker.pid, here.process.pid, here.worker.pid}


def test_a_program_that_ignores_the_request_to_end_is_killed(servers, free_port):
    stubborn = servers("smtp", free_port)
    stubborn.process.send_signal(signal.SIGSTOP)
    told = processes.end(processes.of_program("smtp"), patience_s=0.2)
    assert f"smtp ({stubborn.process.pid})" in told
    assert processes.of_program("smtp") == []


@pytest.mark.skipif(sys.platform != "linux", reason="the signal of a dying parent is Linux's")
def test_a_program_ends_with_its_supervisor(free_port):
    """The supervisor here is a shell that starts the launcher and is killed."""
    section = Section("smtp", [sys.executable, "-c", "import time; time.sleep(600)"])
    script = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); import time; time.sleep(600)"
    environment = {**os.environ, "AGRO_HOME": str(home()), processes.PROGRAM: "smtp"}
    parent = subprocess.Popen([sys.executable, "-c", script, *supervised.launched(section)], env=environment)
    try:
        _until(lambda: any("sleep(600)" in part for found in _launched(parent) for part in found.cmdline()[:3]))
        (program,) = _launched(parent)
    finally:
        parent.kill()
        parent.wait()
    _until(lambda: processes.gone(program))


def _launched(parent):
    return [found for found in psutil.Process(parent.pid).children() if "bentos.launch" not in found.cmdline()]


def _until(true, patience_s=30):
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_port_that_somebody_else_holds_is_named_in_the_log(free_port, monkeypatch, capsys):
    monkeypatch.setattr(launch, "PORT_PATIENCE_S", 0)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", free_port))
        squatter.listen()
        with pytest.raises(SystemExit):
            launch._wait_free("mlflow", "127.0.0.1", str(free_port))
    assert f"port {free_port}" in capsys.readouterr().err


def test_a_program_that_dies_again_and_again_is_failing_though_its_state_is_running():
    for _ in range(starts.LOOP):
        starts.note("mlflow")
    assert Condition("RUNNING", 1, starts.restarts("mlflow")).failing == ""
    starts.note("mlflow")
    assert "3 times within a minute" in Condition("RUNNING", 1, starts.restarts("mlflow")).failing
    starts.forget("mlflow")
    assert starts.restarts("mlflow") == 0


def test_starts_of_an_hour_ago_count_no_longer_and_the_file_stays_small(monkeypatch):
    monkeypatch.setattr(starts.time, "time", lambda: 1_000_000.0)
    for _ in range(100):
        starts.note("mlflow")
    assert len(home("run", "starts", "mlflow").read_text().splitlines()) < 30
    monkeypatch.setattr(starts.time, "time", lambda: 1_003_600.0)
    assert starts.restarts("mlflow") == 0


def test_what_the_supervisor_is_told_is_for_its_owner_alone():
    supervised.make_socket_path()
    path = supervised.write(Section("prefect", ["true"], {"A_PASSWORD": "secret"}))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(supervised.run_dir().stat().st_mode) == 0o700


@pytest.fixture
def long_home(monkeypatch, tmp_path):
    monkeypatch.setenv("AGRO_HOME", str(tmp_path / ("long" * 30)))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(supervised.tempfile, "tempdir", None)


def test_a_socket_that_has_to_lie_elsewhere_lies_in_a_private_folder_nobody_can_guess(long_home):
    with pytest.raises(supervised.NoPlatform):
        supervised.socket_path()
    path = supervised.make_socket_path()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert supervised.socket_path() == supervised.make_socket_path() == path
    assert len(str(path)) < 108


@pytest.mark.parametrize("how", ["open", "link", "gone"])
def test_a_folder_that_is_no_longer_private_is_not_trusted(long_home, how, tmp_path):
    folder = supervised.make_socket_path().parent
    if how == "open":
        folder.chmod(0o755)
    else:
        folder.rmdir()
    if how == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "theirs")
    with pytest.raises(supervised.NoPlatform):
        supervised.socket_path()
    assert supervised.make_socket_path().parent != folder


def test_the_supervisor_listens_on_no_port():
    from agro.platform import _SUPERVISORD

    assert "inet_http_server" not in _SUPERVISORD
    assert "chmod=0700" in _SUPERVISORD
