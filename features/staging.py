"""Names of staging tables: each says which process made it, so that a load finds what killed ones left behind."""

import os
import socket
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

FORGOTTEN_S = 86_400
"""A table of a writer that cannot be looked at from here, on another machine perhaps, is left alone this long."""


def name(table: str) -> str:
    """A name of a staging table for `table` that nobody else gives.

    It ends with machine, process, the process's start, the time, and a draw.
    """
    writer = f"{_machine()}_{os.getpid()}_{_started(os.getpid())}"
    return f"staging_{table}_{writer}_{int(time.time())}_{uuid4().hex[:12]}"


def abandoned(names: Iterable[str]) -> list[str]:
    """Of staging tables, those whose writer is dead, or, where that cannot be seen, those of yesterday."""
    return [each for each in names if _abandoned(each)]


def _abandoned(each: str) -> bool:
    *_, machine, pid, started, born, _ = ("", "", "", "", *each.split("_"))
    if machine == _machine() and pid.isdigit():
        return _started(int(pid)) != started
    return born.isdigit() and time.time() - int(born) > FORGOTTEN_S


def _machine() -> str:
    """This machine since its start, and which of its processes can be seen: containers may share all but the last."""
    namespace = Path("/proc/self/ns/pid")
    seen = [socket.gethostname(), _text("/proc/sys/kernel/random/boot_id"), _target(namespace)]
    return sha256("\n".join(seen).encode()).hexdigest()[:8]


def _started(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty where it is dead.

    Source: proc(5), fields 3 and 22 of /proc/PID/stat, counted from behind the name, which may hold anything.
    """
    state, *rest = _text(f"/proc/{pid}/stat").rpartition(")")[2].split() or [""]
    return rest[18] if state not in ("", "Z", "X") else ""


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
