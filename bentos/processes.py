"""Processes of the platform, found by the marks in their environment: whose they are outlives whoever started them."""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
from psutil import Process

from base.home import HOME, home

PROGRAM = "AGRO_PROGRAM"
"""Names the supervised program that a process, or whatever started it, belongs to."""
FLOW_RUN = "AGRO_FLOW_RUN"
"""Names the flow run that started a process."""
__all__ = ["FLOW_RUN", "PROGRAM", "Process", "end", "find", "gone", "listens", "of_flow_run", "of_program", "wait"]


def of_program(name: str | None = None) -> list[Process]:
    """Processes of a supervised program of this `AGRO_HOME`, or of all; this one and its ancestors are left out."""
    here = home().resolve()
    found = ((process, marks) for process, marks in _others() if marks.get(PROGRAM, "") and marks.get(HOME))
    ours = ((process, marks[PROGRAM]) for process, marks in found if Path(marks[HOME]).resolve() == here)
    return [process for process, program in ours if name in (None, program)]


def of_flow_run(run_id: str) -> list[Process]:
    """Processes that a flow run started, and those that they started."""
    return [process for process, marks in _others() if marks.get(FLOW_RUN) == run_id]


def find(pid: int, created: float) -> Process | None:
    """The process of that id if it is still the one that began at `created` (seconds since the epoch)."""
    try:
        process = Process(pid)
        return process if abs(process.create_time() - created) < 1 and not gone(process) else None
    except psutil.Error:
        return None


def end(found: Iterable[Process], patience_s: float = 10.0) -> list[str]:
    """Ask processes to end, and kill those that have not after `patience_s`.

    Returns:
        What they were: name and process id.
    """
    asked = list(found)
    told = [told for process in asked if (told := _described(process))]
    _signal(asked, "terminate")
    left = wait(asked, patience_s)
    _signal(left, "kill")
    wait(left, 5.0)
    return told


def wait(processes: list[Process], patience_s: float) -> list[Process]:
    """Wait until processes have ended; those that still run after `patience_s`."""
    end_at = time.monotonic() + patience_s
    while (left := [process for process in processes if not gone(process)]) and time.monotonic() < end_at:
        time.sleep(0.05)
    return left


def listens(pid: int, port: int) -> bool:
    """Whether a process or one that it started listens on a port of this machine."""
    with contextlib.suppress(psutil.Error):
        parent = Process(pid)
        return any(_holds(process, port) for process in [parent, *parent.children(recursive=True)])
    return False


def _holds(process: Process, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        held = process.net_connections("tcp")
        return any(row.status == psutil.CONN_LISTEN and row.laddr.port == port for row in held)
    return False


def _others() -> Iterator[tuple[Process, dict[str, str]]]:
    own = {os.getpid(), *(parent.pid for parent in Process().parents())}
    for process in psutil.process_iter():
        if process.pid not in own:
            with contextlib.suppress(psutil.Error, OSError):
                yield process, process.environ()


def gone(process: Process) -> bool:
    """Whether a process has ended; one that nobody has buried yet holds nothing any more."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _described(process: Process) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        return f"{process.environ().get(PROGRAM) or process.name()} ({process.pid})"
    return ""


def _signal(processes: Iterable[Process], how: str) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            getattr(process, how)()
