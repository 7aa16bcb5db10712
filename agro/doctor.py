"""What is wrong with this machine or the platform, and how to mend it."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agro import platform, programs
from agro.mesh import front
from agro.programs import Program
from agro.settings import PlatformSettings
from base import sockets
from base.home import home
from bentos import processes, supervised
from bentos.supervised import Condition

_GIB = 1 << 30
ABSENT = Condition("ABSENT")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    part: str
    healthy: bool
    found: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at the machine, then at every part of the platform; a look that fails hides no other."""
    looks: list[Callable[[], Iterator[Finding]]] = [
        _python, _disk, _settings, _platform, _front, _helpers, _schedules, _bentos, _inbox, _outbox,
    ]  # fmt: skip
    return [finding for look in looks for finding in _carefully(look)]


def _carefully(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as exc:
        part = look.__name__.removeprefix("_")
        yield Finding(part, False, f"cannot be looked at: {str(exc).splitlines()[0]}", "mend what the others say first")


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
    conditions = supervised.conditions() if up else {}
    for server in programs.servers():
        yield _server(server, conditions.get(server.name, ABSENT), up)


def _front() -> Iterator[Finding]:
    if not front.used():
        return
    up = supervised.running()
    condition = supervised.conditions().get(front.NAME, ABSENT) if up else ABSENT
    if up and condition is ABSENT:
        yield Finding(front.NAME, True, "not started; `agro mesh up` adds it")
        return
    found = _server(front.program(), condition, up)
    yield replace(found, found=f"{found.found}; {front.shares()}") if found.healthy else found


def _server(server: Program, condition: Condition, up: bool) -> Finding:
    if not up:
        return _stopped(server)
    logged = f"{condition.failing or condition.state}: {supervised.last_line(server.name)}"
    ready = platform.is_ready(server)
    if not ready and _is_starting(condition):
        return Finding(server.name, False, "is starting", "wait a moment, and look again")
    if not ready or condition.failing:
        return Finding(server.name, False, logged, "`agro down`, then `agro up`")
    if not condition.listens(server.port):
        remedy = f"stop what listens on {server.port}, or set {server.port_setting}; then `agro down` and `agro up`"
        return Finding(server.name, False, f"{server.url} is answered by another program; {logged}", remedy)
    return Finding(server.name, True, f"ready at {server.url}")


def _is_starting(condition: Condition) -> bool:
    """Whether a program may still be on its way, for as long as `agro up` would wait for it."""
    age_s = time.time() - condition.since
    return bool(condition.pid) and not condition.failing and age_s < PlatformSettings().start_timeout_s


def _stopped(server: Program) -> Finding:
    if processes.of_program(server.name):
        return Finding(server.name, False, "runs without its supervisor", "`agro up` or `agro down` ends it")
    if platform.is_ready(server):
        return Finding(server.name, True, f"{server.url} answers, started elsewhere")
    if sockets.answers(server.host, server.port):
        remedy = f"stop what listens on {server.port}, or set {server.port_setting}"
        return Finding(server.name, False, f"port {server.port} is taken by something else", remedy)
    return Finding(server.name, True, "stopped")


def _helpers() -> Iterator[Finding]:
    up = supervised.running()
    conditions = supervised.conditions() if up else {}
    for name in programs.helpers():
        yield _helper(name, conditions.get(name, ABSENT)) if up else Finding(name, True, "stopped")


def _helper(name: str, condition: Condition) -> Finding:
    if condition.state in ("RUNNING", "STARTING") and not condition.failing:
        return Finding(name, True, condition.state.lower())
    logged = f"{condition.failing or condition.state}: {supervised.last_line(name)}"
    return Finding(name, False, logged, "`agro up` starts it again")


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
    from agro import served
    from rollout.errors import RolloutError

    try:
        for row in served.rows():
            yield Finding(row.model, *served.stands(row))
    except RolloutError as exc:
        what, _, remedy = str(exc).partition("; ")
        yield Finding("history", False, what, remedy)


def _inbox() -> Iterator[Finding]:
    from features import inbox
    from flows.settings import TrainingSettings

    folder = TrainingSettings().inbox
    aside, strays = inbox.set_aside(folder), [path.name for path in inbox.strays(folder)]
    said = [f"{', '.join(strays)} {'is' if len(strays) == 1 else 'are'} of no kind"] if strays else []
    said += [f"{len(aside)} set aside in {folder / inbox.REFUSED}: {', '.join(aside)}"] if aside else []
    remedy = f"mend what the reasons beside them say and put them into {folder}/KIND, or delete them" if said else ""
    yield Finding("inbox", not said, "; ".join(said) or "nothing is set aside", remedy)


def _outbox() -> Iterator[Finding]:
    from monitoring.outbox import Outbox
    from monitoring.settings import MailSettings

    waiting = len(Outbox(MailSettings()).waiting())
    yield Finding(
        "outbox", waiting == 0, f"{waiting} mails wait", "the next drift run sends them; check AGRO_SMTP_HOST and _PORT"
    )
