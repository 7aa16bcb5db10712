"""Programs under supervisord: write their sections, swap them, see how they are.

The local platform is one supervisord on a unix socket. Its programs are files in one folder, so that a served Bento can
be added or swapped while the others go on.
"""

import contextlib
import os
import shlex
import stat
import sys
import tempfile
import xmlrpc.client
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from base.home import home
from bentos import processes, starts
from bentos.errors import ServingError

_LONGEST_SOCKET = 104
"""Bytes; the system cuts the path of a socket at little more."""
_ROOM = 48
"""Bytes that the longest name of a socket takes in the folder of the sockets."""


class NoPlatform(ServingError):
    """No supervised platform runs under this `AGRO_HOME`."""


@dataclass(frozen=True)
class Section:
    """What supervisord is told about one program."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    directory: Path | None = None
    address: tuple[str, int] | None = None
    """Host and port that it listens on, where it cannot start before they are free."""
    log: str = ""
    """Name of its log; its own by default."""
    may_end: bool = False
    """Whether it ends by itself once its work is done, and is not to be started again then."""


@dataclass(frozen=True)
class Condition:
    """How a program is."""

    state: str
    """In supervisord's words: RUNNING, STARTING, BACKOFF, FATAL, EXITED, STOPPED; ABSENT where it knows none."""
    pid: int = 0
    restarts: int = 0
    """Within the last minute."""
    since: float = 0.0
    """When it was started, in seconds since the epoch."""

    @property
    def failing(self) -> str:
        """Why it will not get well by waiting; empty where it may."""
        if self.state == "FATAL":
            return "the supervisor gave up starting it"
        return f"restarted {self.restarts} times within a minute" if self.restarts >= starts.LOOP else ""

    def listens(self, port: int) -> bool:
        """Whether it is this program that listens on a port, and not another one."""
        return bool(self.pid) and processes.listens(self.pid, port)


def run_dir() -> Path:
    """The folder of supervisord's files, under `AGRO_HOME`."""
    return home("run")


def socket_path() -> Path:
    """The control socket.

    Raises:
        NoPlatform: Where it should lie, no private folder was made, or it is no longer private.
    """
    return sockets_dir() / "supervisor.sock"


def sockets_dir() -> Path:
    """The folder of sockets: under `AGRO_HOME`, or a private one elsewhere where that path is too long for a socket.

    Raises:
        NoPlatform: The path is too long, and no private folder was made, or it is no longer private.
    """
    if len(os.fsencode(run_dir())) + _ROOM < _LONGEST_SOCKET:
        return run_dir()
    note = run_dir() / "socket-folder"
    folder = Path(note.read_text()) if note.exists() else None
    if folder is None or not _is_private(folder):
        raise NoPlatform("no local platform runs here; start it with `agro up`")
    return folder


def make_socket_path() -> Path:
    """The control socket for a supervisor that starts, in a folder that nobody else can look into."""
    run_dir().mkdir(parents=True, exist_ok=True)
    run_dir().chmod(0o700)
    try:
        return socket_path()
    except NoPlatform:
        folder = tempfile.mkdtemp(prefix="agro-")
        (run_dir() / "socket-folder").write_text(folder)
        return socket_path()


def _is_private(folder: Path) -> bool:
    """Whether a folder is a real one, ours, and closed to everybody else."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077


def _quoted(value: str) -> str:
    """A value as supervisord reads it, which knows two kinds of quotes and no escape.

    >>> print(_quoted('{"a": "50 %"}'))
    '{"a": "50 %%"}'
    """
    quote = "'" if '"' in value else '"'
    if quote in value:
        raise ServingError(f"{value!r} holds both kinds of quotes; supervisord cannot be told such a value")
    return f"{quote}{value.replace('%', '%%')}{quote}"


def render(section: Section, log_dir: Path) -> str:
    """The section as supervisord reads it: restarted when it dies, stopped as a whole group.

    >>> print(render(Section("echo", ["echo", "50 %"], {"A": "b"}), Path("/log")).splitlines()[1][-22:])
    echo - -- echo '50 %%'
    """
    environment = {**section.environment, processes.PROGRAM: section.name}
    lines = {
        "command": shlex.join(launched(section)).replace("%", "%%"),
        "environment": ",".join(f"{key}={_quoted(value)}" for key, value in sorted(environment.items())),
        "directory": section.directory or Path.cwd(),
        "autostart": "true",
        "autorestart": "unexpected" if section.may_end else "true",
        "startsecs": 1,
        "startretries": 5,
        "stopasgroup": "true",
        "killasgroup": "true",
        "stopwaitsecs": 20,
        "redirect_stderr": "true",
        "stdout_logfile": log_dir / f"{section.log or section.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 2,
    }
    return "\n".join([f"[program:{section.name}]", *(f"{key}={value}" for key, value in lines.items())]) + "\n"


def launched(section: Section) -> list[str]:
    """The program's command behind the launcher, which makes room for it and then becomes it."""
    address = "{}:{}".format(*section.address) if section.address else "-"
    return [sys.executable, "-m", "bentos.launch", section.name, address, "--", *section.command]


def write(section: Section) -> Path:
    """Write the program's file, which only its owner can read; supervisord takes it up at its start or at `swap`."""
    folder, logs = run_dir() / "programs", run_dir().parent / "log"
    folder.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    path = folder / f"{section.name}.conf"
    path.touch(mode=0o600)
    path.write_text(render(section, logs))
    starts.forget(section.name)
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


def remove(name: str) -> None:
    """Stop a program, and forget it; nothing where there is none of that name.

    Raises:
        NoPlatform: No supervisord runs under this `AGRO_HOME`.
    """
    supervisor = control()
    (run_dir() / "programs" / f"{name}.conf").unlink(missing_ok=True)
    supervisor.reloadConfig()
    with contextlib.suppress(xmlrpc.client.Fault):  # it does not run, or is not known
        supervisor.stopProcessGroup(name)
    with contextlib.suppress(xmlrpc.client.Fault):
        supervisor.removeProcessGroup(name)


def condition(name: str) -> Condition:
    """How a program is; ABSENT where the supervisor knows none of that name.

    Raises:
        NoPlatform: No supervisord runs under this `AGRO_HOME`.
    """
    return conditions().get(name, Condition("ABSENT"))


def conditions() -> dict[str, Condition]:
    """How every program is, by name.

    Raises:
        NoPlatform: No supervisord runs under this `AGRO_HOME`.
    """
    rows = control().getAllProcessInfo()
    return {
        row["name"]: Condition(row["statename"], row["pid"], starts.restarts(row["name"]), row["start"]) for row in rows
    }


def log(name: str) -> Path:
    """A program's log."""
    return home("log", f"{name}.log")


def last_line(name: str) -> str:
    """The last line in a program's log, and where the rest is."""
    path = log(name)
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()] if path.exists() else []
    return f"{lines[-1][:300] if lines else 'it wrote nothing'} (log: {path})"
