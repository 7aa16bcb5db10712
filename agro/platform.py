"""The local platform: start it, wait until it is ready, stop it."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

from agro import programs
from agro.errors import PlatformDown, PlatformFailed, PortTaken
from agro.programs import Program
from agro.settings import CHECKOUT, PlatformSettings
from base import sockets
from base.home import home
from bentos import supervised
from bentos.supervised import Section

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


def start(tell: Callable[[str], None] = lambda text: None) -> list[Program]:
    """Start every server that does not run yet and wait until each is ready.

    Returns:
        The servers, ready.

    Raises:
        PortTaken: Another program holds a port; the message names it and the setting.
        PlatformFailed: A program died or was not ready in time; the message ends with the last line of its log.
    """
    servers = launch()
    wait_ready(servers, tell)
    return servers


def launch() -> list[Program]:
    """Start every server that does not run yet, without waiting for any.

    Raises:
        PortTaken: Another program holds a port.
    """
    servers = programs.servers()
    if not supervised.running():
        check_ports(servers)
        begin(servers)
    return servers


def begin(servers: Iterable[Program]) -> None:
    """Start supervisord with the servers and the Bentos that were deployed before."""
    for old in (supervised.run_dir() / "programs").glob("*.conf"):
        old.unlink()
    for program in servers:
        supervised.write(Section(program.name, program.command, program.environment, CHECKOUT))
    for section in deployed_sections():
        supervised.write(section)
    run, log = supervised.run_dir(), home() / "log"
    config = run / "supervisord.conf"
    config.write_text(_SUPERVISORD.format(run=run, log=log, socket=supervised.socket_path()).replace("%", "%%"))
    answer = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
        env=programs.base_environment(), capture_output=True, text=True,
    )  # fmt: skip
    if answer.returncode:
        raise PlatformFailed(f"supervisord did not start: {(answer.stdout + answer.stderr).strip()[-300:]}")


def deployed_sections() -> list[Section]:
    """A section for each Bento that was deployed and is still built."""
    from bentos.deploy import deployed_sections

    return deployed_sections()


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
        while not is_ready(program):
            state = supervised.states().get(program.name, "UNKNOWN")
            if state == "FATAL" or time.monotonic() > end:
                raise PlatformFailed(f"{program.name} did not start ({state}): {last_line(program.name)}")
            time.sleep(0.1)
        tell(f"{program.name} ready at {program.url}")


def is_ready(program: Program) -> bool:
    """Whether a program answers on its port."""
    if program.ready_path is None:
        return sockets.answers(program.host, program.port)
    try:
        with urllib.request.urlopen(f"http://{program.host}:{program.port}{program.ready_path}", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def last_line(name: str) -> str:
    """The last line a program wrote, and where the rest is."""
    path = home() / "log" / f"{name}.log"
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()] if path.exists() else []
    return f"{lines[-1][:300] if lines else 'it wrote nothing'} (log: {path})"


def prepare_prefect() -> None:
    """Create the work pool, the concurrency slots and the deployments, then start the worker.

    Deploying takes seconds, so it is left out while prefect.yaml is the one that was deployed last.

    Raises:
        PlatformFailed: Prefect refused the pool or a deployment.
    """
    from flows import deployments

    deployments.apply(CHECKOUT / "prefect.yaml")
    command, environment = programs.worker_command()
    if supervised.states().get("worker") != "RUNNING":
        supervised.swap(Section("worker", command, environment, CHECKOUT))


def wait_deployed(tell: Callable[[str], None]) -> None:
    """Wait until each Bento that was deployed before serves again; one that does not is told, not fatal."""
    from bentos import deploy, deployed
    from bentos.errors import BentoUnready
    from bentos.settings import ServingSettings

    settings = ServingSettings()
    for row in deployed.everything(settings.deployed).values():
        base = deploy.url(settings, row.port)
        try:
            deploy.wait_ready(base, row.digest, settings.start_timeout_s)
            tell(f"{row.tag} ready at {base}")
        except BentoUnready as exc:
            tell(f"{row.tag} does not serve: {exc}; `agro serve {row.model}` builds it anew")


def stop(tell: Callable[[str], None] = lambda text: None) -> None:
    """Stop every program and supervisord itself, and wait until they are gone.

    Raises:
        PlatformDown: No local platform runs under this home.
        PlatformFailed: It did not stop in time.
    """
    pid_file = supervised.run_dir() / "supervisord.pid"
    try:
        supervisor = supervised.control()
    except supervised.NoPlatform as exc:
        raise PlatformDown(f"no local platform runs under {home()}") from exc
    pid = int(pid_file.read_text())
    tell("stopping; the services finish what they hold")
    supervisor.shutdown()
    end = time.monotonic() + PlatformSettings().stop_timeout_s
    while _alive(pid):
        if time.monotonic() > end:
            raise PlatformFailed(f"supervisord (process {pid}) did not stop in time; see {home() / 'log'}")
        time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return not Path(f"/proc/{pid}/stat").exists() or ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
