"""Programs under supervisord: write their sections, swap them, see how they are.

The local platform is one supervisord on a unix socket. Its programs are files in one folder, so that a served Bento can
be added or swapped while the others go on.
"""

import hashlib
import shlex
import tempfile
import xmlrpc.client
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from base.home import home
from bentos.errors import ServingError


class NoPlatform(ServingError):
    """No supervised platform runs under this `AGRO_HOME`."""


@dataclass(frozen=True)
class Section:
    """What supervisord is told about one program."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    directory: Path | None = None


def run_dir() -> Path:
    """The folder of supervisord's files, under `AGRO_HOME`."""
    return home("run")


def socket_path() -> Path:
    """The control socket: under `AGRO_HOME`, or in the temp folder where that path is too long for a socket."""
    path = run_dir() / "supervisor.sock"
    if len(str(path)) < 100:
        return path
    return Path(tempfile.gettempdir()) / f"agro-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.sock"


def _quoted(value: str) -> str:
    return '"' + value.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"') + '"'


def render(section: Section, log_dir: Path) -> str:
    """The section as supervisord reads it: restarted when it dies, stopped as a whole group.

    >>> print(render(Section("echo", ["echo", "50 %"], {"A": "b"}), Path("/log")).splitlines()[1])
    command=echo '50 %%'
    """
    lines = {
        "command": shlex.join(section.command).replace("%", "%%"),
        "environment": ",".join(f"{key}={_quoted(value)}" for key, value in sorted(section.environment.items())),
        "directory": section.directory or Path.cwd(),
        "autostart": "true",
        "autorestart": "true",
        "startsecs": 1,
        "startretries": 5,
        "stopasgroup": "true",
        "killasgroup": "true",
        "stopwaitsecs": 20,
        "redirect_stderr": "true",
        "stdout_logfile": log_dir / f"{section.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 2,
    }
    return "\n".join([f"[program:{section.name}]", *(f"{key}={value}" for key, value in lines.items())]) + "\n"


def write(section: Section) -> Path:
    """Write the program's file; supervisord takes it up at its start or at `swap`."""
    folder, logs = run_dir() / "programs", run_dir().parent / "log"
    folder.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    path = folder / f"{section.name}.conf"
    path.write_text(render(section, logs))
    return path


def control() -> Any:
    """Supervisord's own interface (XML-RPC over the socket).

    Raises:
        NoPlatform: Nothing listens there.
    """
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, serverurl=f"unix://{socket_path()}")
    supervisor = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
    try:
        supervisor.getState()
    except (OSError, xmlrpc.client.Error) as exc:
        raise NoPlatform("no local platform runs here; start it with `agro up`") from exc
    return supervisor


def running() -> bool:
    """Whether a local platform runs under this `AGRO_HOME`."""
    try:
        control()
    except NoPlatform:
        return False
    return True


def swap(section: Section) -> None:
    """Start a program, or replace the running one of that name by this one.

    Raises:
        NoPlatform: No supervisord runs under this `AGRO_HOME`.
    """
    supervisor = control()
    write(section)
    added, changed, _ = supervisor.reloadConfig()[0]
    if section.name in added:
        supervisor.addProcessGroup(section.name)
    elif section.name in changed:
        supervisor.stopProcessGroup(section.name)
        supervisor.removeProcessGroup(section.name)
        supervisor.addProcessGroup(section.name)
    else:
        supervisor.stopProcessGroup(section.name)
        supervisor.startProcessGroup(section.name)


def states() -> dict[str, str]:
    """State of every program by name: RUNNING, STARTING, BACKOFF, FATAL, EXITED, STOPPED.

    Raises:
        NoPlatform: No supervisord runs under this `AGRO_HOME`.
    """
    return {row["name"]: row["statename"] for row in control().getAllProcessInfo()}
