"""What is wrong with this machine or the platform, and how to mend it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from agro import platform, programs
from agro.programs import Program
from base import sockets
from base.home import home
from bentos import supervised

_GIB = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    part: str
    healthy: bool
    found: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at the machine, then at every part of the platform."""
    looks: list[Callable[[], Iterator[Finding]]] = [_python, _disk, _settings, _platform, _schedules, _bentos, _outbox]
    return [finding for look in looks for finding in look()]


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", sys.version_info[:2] == (3, 11), version, "use Python 3.11: `make env`")


def _disk() -> Iterator[Finding]:
    folder = home()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / _GIB
    yield Finding("disk", free > 2, f"{free:.1f} GiB free at {folder}", "free some space: under 2 GiB loading stops")


def _settings() -> Iterator[Finding]:
    from pydantic import ValidationError

    from agro.settings import every_room

    try:
        every_room()
    except ValidationError as exc:
        for row in exc.errors():
            yield Finding("settings", False, f"{exc.title}.{row['loc'][0]}: {row['msg']}", "mend the AGRO_ variable")
        return
    yield Finding("settings", True, "every AGRO_ variable is valid")


def _platform() -> Iterator[Finding]:
    up = supervised.running()
    yield Finding("platform", up, "running" if up else "not running", "" if up else "start it: `agro up`")
    states = supervised.states() if up else {}
    for server in programs.servers():
        yield _server(server, states.get(server.name), up)


def _server(server: Program, state: str | None, up: bool) -> Finding:
    if platform.is_ready(server):
        if up:
            return Finding(server.name, True, f"ready at {server.url}")
        return Finding(server.name, True, f"{server.url} answers, started elsewhere")
    if not up and sockets.answers(server.host, server.port):
        remedy = f"stop what listens on {server.port}, or set {server.port_setting}"
        return Finding(server.name, False, f"port {server.port} is taken by something else", remedy)
    if not up:
        return Finding(server.name, True, "stopped")
    return Finding(server.name, False, f"{state}: {platform.last_line(server.name)}", "`agro down`, then `agro up`")


def _schedules() -> Iterator[Finding]:
    from flows import schedules

    server, now = programs.prefect(), datetime.now(UTC)
    if not platform.is_ready(server):
        return
    since = supervised.control().getProcessInfo(server.name)["start"] if supervised.running() else 0
    for row in schedules.read(now):
        fault = row.fault(now, datetime.fromtimestamp(since, UTC))
        remedy = f"see what the worker does at {server.url}/v2/runs, and {home() / 'log' / 'prefect'}.log"
        found = f"{fault}; {row}" if fault else str(row)
        yield Finding(f"schedule {row.name}", fault is None, found, remedy if fault else "")


def _bentos() -> Iterator[Finding]:
    from bentos import deploy, deployed
    from bentos.settings import ServingSettings

    settings = ServingSettings()
    for row in deployed.everything(settings.deployed).values():
        ready = deploy.readiness(deploy.url(settings, row.port)).get("digest") == row.digest
        remedy = "" if ready else f"serve it anew: `agro serve {row.model}`; log: {home() / 'log' / row.model}.log"
        yield Finding(
            row.model, ready or not supervised.running(), f"{row.tag} {'ready' if ready else 'silent'}", remedy
        )


def _outbox() -> Iterator[Finding]:
    from monitoring.outbox import Outbox
    from monitoring.settings import MailSettings

    waiting = len(Outbox(MailSettings()).waiting())
    yield Finding(
        "outbox", waiting == 0, f"{waiting} mails wait", "the next drift run sends them; check AGRO_SMTP_HOST and _PORT"
    )
