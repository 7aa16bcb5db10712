"""Who writes: a name that says which process it is, so that others can see whether it still lives."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

LEASE_S = 600.0
"""A writer that cannot be looked at from here, on another machine perhaps, is taken to live for this long."""
_here: set[str] = set()
"""Writers of this process."""


@contextmanager
def one() -> Iterator[str]:
    """A writer of this process, under a name that nobody else has; it lives until the block ends."""
    writer = f"{_machine()}_{os.getpid()}_{_started(os.getpid())}_{uuid4().hex[:12]}"
    _here.add(writer)
    try:
        yield writer
    finally:
        _here.discard(writer)


def lives(writer: str, age_s: float) -> bool:
    """Whether a writer of that name, last heard of so long ago, may still write."""
    machine, pid, started, _ = writer.split("_")
    if machine != _machine() or not started:
        return age_s < LEASE_S
    if _started(int(pid)) != started:
        return False
    return int(pid) != os.getpid() or writer in _here


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
