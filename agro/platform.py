"""The local platform: start it, wait until it is ready, stop it."""

import fcntl
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from agro import programs, served
from agro.errors import PlatformDown, PlatformFailed, PortTaken
from agro.mesh import front
from agro.programs import Program
from agro.settings import CHECKOUT, PlatformSettings
from base import sockets
from base.home import home
from bentos import processes, supervised
from bentos.supervised import Section
from web.client import client

SUPERVISOR = "supervisord"
_SUPERVISORD = """[supervisord]
logfile={log}/supervisord.log
pidfile={run}/supervisord.pid
nodaemon=false
identifier=agrologistic
[unix_http_server]
file={socket}
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[include]
files={run}/programs/*.conf
"""


def start(tell: Callable[[str], None] = lambda text: None, mesh: bool = False) -> list[Program]:
    """Start every server that does not run yet and wait until each is ready.

    Args:
        tell: Gets a line for each that is ready.
        mesh: Whether the front is among them.

    Returns:
        The servers, ready.

    Raises:
        PortTaken: Another program holds a port; the message names it and the setting.
        PlatformFailed: A program died or was not ready in time; the message ends with the last line of its log.
    """
    servers = launch(tell, mesh)
    wait_ready(servers, tell)
    return servers


def launch(tell: Callable[[str], None] = lambda text: None, mesh: bool = False) -> list[Program]:
    """Start every server that does not run yet, without waiting for any; what a dead supervisor left behind is ended.

    Raises:
        PortTaken: Another program holds a port.
    """
    with _alone():
        servers = [*programs.servers(), *front.programs(mesh)]
        if supervised.running():
            _revive(servers)
            return servers
        if left := processes.end(processes.of_program()):
            tell(f"ended what an earlier platform left behind: {', '.join(left)}")
        check_ports(servers)
        begin(servers)
    return servers


@contextmanager
def _alone() -> Iterator[None]:
    """Of two that start the platform at once the second waits, and finds it running."""
    path = home("run", "start.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _revive(servers: list[Program]) -> None:
    """Start those again that the supervisor gave up or somebody stopped, and those that it did not know."""
    check_ports(one for one in servers if supervised.condition(one.name).state == "ABSENT")
    for program in servers:
        if supervised.condition(program.name).state in ("FATAL", "EXITED", "STOPPED", "ABSENT"):
            supervised.swap(section(program))


def section(program: Program) -> Section:
    """What the supervisor is told about a server."""
    address = (program.host, program.port)
    return Section(program.name, program.command, program.environment, program.folder, address)


def begin(servers: Iterable[Program]) -> None:
    """Start supervisord with the servers and the Bentos that were deployed before."""
    run, log, socket = supervised.run_dir(), home() / "log", supervised.make_socket_path()
    log.mkdir(parents=True, exist_ok=True)
    for old in (run / "programs").glob("*.conf"):
        old.unlink()
    for left in run.glob("bento-*"):  # metrics folders of earlier versions of the platform
        shutil.rmtree(left, ignore_errors=True)
    for one in (*map(section, servers), *served.sections()):
        supervised.write(one)
    config = run / "supervisord.conf"
    config.write_text(_SUPERVISORD.format(run=run, log=log, socket=socket).replace("%", "%%"))
    answer = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
        env=programs.base_environment() | {processes.PROGRAM: SUPERVISOR}, capture_output=True, text=True,
    )  # fmt: skip
    if answer.returncode:
        raise PlatformFailed(f"supervisord did not start: {(answer.stdout + answer.stderr).strip()[-300:]}")


def check_ports(servers: Iterable[Program]) -> None:
    """Raise where another program holds one of the ports.

    Raises:
        PortTaken: The message names program, port and the setting that moves it.
    """
    for program in servers:
        if not sockets.is_free(program.host, program.port):
            raise PortTaken(
                f"port {program.port} ({program.name}) is taken: stop what listens there, "
                f"or set {program.port_setting} to a free port"
            )


def wait_ready(servers: Iterable[Program], tell: Callable[[str], None], timeout_s: float | None = None) -> None:
    """Wait until every program answers.

    Raises:
        PlatformFailed: One gave up or was not ready in time.
    """
    end = time.monotonic() + (timeout_s or PlatformSettings().start_timeout_s)
    for program in servers:
        while not (is_ready(program) and supervised.condition(program.name).listens(program.port)):
            condition = supervised.condition(program.name)
            if condition.failing or time.monotonic() > end:
                why = f"{program.name} did not start ({condition.failing or condition.state})"
                raise PlatformFailed(f"{why}: {supervised.last_line(program.name)}")
            time.sleep(0.1)
        tell(f"{program.name} ready at {program.url}")


def is_ready(program: Program) -> bool:
    """Whether a program answers on its port."""
    if program.ready_path is None:
        return sockets.answers(program.host, program.port)
    from httpx import HTTPError

    try:
        return client().get(f"http://{program.host}:{program.port}{program.ready_path}").status_code == 200
    except HTTPError:
        return False


def prepare_prefect() -> None:
    """Create the work pool, the concurrency slots and the deployments, then start the worker and the reaper.

    Deploying takes seconds, so it is left out while prefect.yaml is the one that was deployed last.

    Raises:
        PlatformFailed: Prefect refused the pool or a deployment.
    """
    from flows import prefect_setup

    prefect_setup.apply(CHECKOUT / "prefect.yaml")
    for name, (command, environment) in programs.helpers().items():
        condition = supervised.condition(name)
        if condition.state != "RUNNING" or condition.failing:
            supervised.swap(Section(name, command, environment, CHECKOUT))


def prepare_hints(tell: Callable[[str], None]) -> None:
    """Let MLflow tell our receiver of moved aliases; where it cannot, the reconciler does without, and it is said."""
    from flows.ports import connect_registry
    from flows.settings import WebhookSettings
    from registry.errors import RegistryError
    from registry.settings import MLflowSettings

    try:
        connect_registry().tell(WebhookSettings().url, MLflowSettings().webhook_secret.get_secret_value())
    except RegistryError as exc:
        tell(f"MLflow gives no hints, so a new champion is noticed within a minute, not at once: {exc}")


def stop(tell: Callable[[str], None] = lambda text: None) -> None:
    """End flow runs, every program and supervisord itself, and whatever a dead supervisor left behind.

    Raises:
        PlatformDown: Nothing of a local platform runs under this home.
    """
    try:
        supervisor = supervised.control()
    except supervised.NoPlatform as exc:
        _stop_leftovers(tell, exc)
        return
    tell("stopping; the services finish what they hold")
    _end_flows(supervisor, tell)
    process = processes.Process(supervisor.getPID())
    supervisor.shutdown()
    processes.wait([process], PlatformSettings().stop_timeout_s)
    if left := processes.end(processes.of_program()):
        tell(f"ended what did not stop by itself: {', '.join(left)}")


def _stop_leftovers(tell: Callable[[str], None], exc: Exception) -> None:
    from flows import records

    left = processes.end([*processes.of_program(), *records.processes_of_all()])
    if not left:
        raise PlatformDown(f"no local platform runs under {home()}") from exc
    tell(f"the supervisor was gone; ended what it left behind: {', '.join(left)}")


def _end_flows(supervisor: Any, tell: Callable[[str], None]) -> None:
    """End the runs of the worker and those of other terminals while the server can still note it."""
    from flows import records

    if not records.everything():
        return
    from flows import reaper

    if supervised.condition("worker").pid:
        supervisor.stopProcess("worker")  # it takes no other run
    for line in reaper.end_all("stopped by `agro down`"):
        tell(line)
