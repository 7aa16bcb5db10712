"""Programs under supervisord: write their sections, swap them, see how they are.

The local platform is one supervisord on a unix socket. Its programs are files in one folder, so that a served Bento can
be added or swapped while the others go on.
"""

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

_LONGEST_SOCKET = 100
"""Characters; the system cuts the path of a socket at little more."""


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
    """Host and port that it listens on."""


@dataclass(frozen=True)
class Condition:
    """How a program is."""

    state: str
    """In supervisord's words: RUNNING, STARTING, BACKOFF, FATAL, EXITED, STOPPED; ABSENT where it knows none."""
    pid: int = 0
    restarts: int = 0
    """Within the last minute."""

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
    """The control socket: under `AGRO_HOME`, or in a private folder where that path is too long for a socket.

    Raises:
        NoPlatform: The path is too long, and no private folder was made, or it is no longer private.
    """
    path = run_dir() / "supervisor.sock"
    if len(os.fsencode(path)) < _LONGEST_SOCKET:
        return path
    note = run_dir() / "socket-folder"
    folder = Path(note.read_text()) if note.exists() else None
    if folder is None or not _is_private(folder):
        raise NoPlatform("no local platform runs here; start it with `agro up`")
    return folder / "supervisor.sock"


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
    return '"' + value.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"') + '"'


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
    return {row["name"]: Condition(row["statename"], row["pid"], starts.restarts(row["name"])) for row in rows}


def last_line(name: str) -> str:
    """The last line a program wrote, and where the rest is."""
    path = home("log", f"{name}.log")
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()] if path.exists() else []
    return f"{lines[-1][:300] if lines else 'it wrote nothing'} (log: {path})"
