"""Which flow runs go on on this machine, and which slot each holds: a small file a run, so that a dead one is found.

A process that is killed tells nobody. Its file stays, names it, and lets `flows.reaper` say so in its place.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from base.files import write_whole
from base.home import home
from bentos import processes
from bentos.processes import Process


@dataclass(frozen=True)
class Record:
    """A flow run, its process and its slot."""

    run_id: str
    name: str
    """Flow and run, as the Prefect page calls them."""
    pid: int
    created: float
    """When the process began, in seconds since the epoch: another process may get its id."""
    slot: str = ""
    lease: str = ""
    """What holds the slot on the server; empty while the run waits."""
    since: str = ""
    """When it got the slot, UTC."""

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return _folder() / f"{self.run_id}{'.' * bool(self.slot)}{self.slot}.json"

    def process(self) -> Process | None:
        """The process, None where it has ended."""
        return processes.find(self.pid, self.created)

    def __str__(self) -> str:
        """The run in words."""
        return f"{self.name} (process {self.pid})"


@contextmanager
def recorded(slot: str = "") -> Iterator[Record]:
    """Within this block the flow run is known on this machine; what it starts carries its mark."""
    record = _of_this_run(slot)
    before = os.environ.get(processes.FLOW_RUN)
    keep(record)
    os.environ[processes.FLOW_RUN] = record.run_id
    try:
        yield record
    finally:
        os.environ.pop(processes.FLOW_RUN)
        if before is not None:
            os.environ[processes.FLOW_RUN] = before
        forget(record)


def holding(record: Record, lease: str) -> Record:
    """Note that the run has its slot."""
    held = replace(record, lease=lease, since=datetime.now(UTC).isoformat(timespec="seconds"))
    keep(held)
    return held


def holder(slot: str) -> Record | None:
    """The run on this machine that holds a slot."""
    return next((record for record in everything() if record.slot == slot and record.lease), None)


def everything() -> list[Record]:
    """Every run that was noted and not taken away; a file that cannot be read is none."""
    return [record for path in sorted(_folder().glob("*.json")) if (record := _read(path))]


def processes_of_all() -> list[Process]:
    """The processes of every noted run, and all that those started."""
    found = [process for record in everything() for process in processes_of(record)]
    return list({process.pid: process for process in found}.values())


def processes_of(record: Record) -> list[Process]:
    """What still runs of a run: its own process, unless that is the caller, and what it started."""
    own = record.process()
    started = processes.of_flow_run(record.run_id)
    return [*([own] if own and own.pid != os.getpid() else []), *started]


def keep(record: Record) -> None:
    """Write a run down."""
    write_whole(record.path, json.dumps(asdict(record)).encode())


def forget(record: Record) -> None:
    """Take a run away."""
    record.path.unlink(missing_ok=True)


def _folder() -> Path:
    return home("run", "flows")


def _of_this_run(slot: str) -> Record:
    from prefect.runtime import flow_run

    me = Process()
    return Record(str(flow_run.id), f"{flow_run.flow_name} {flow_run.name}", me.pid, me.create_time(), slot)


def _read(path: Path) -> Record | None:
    """The record in a file; a file that holds none is removed, since nobody else would ever take it away."""
    try:
        return Record(**json.loads(path.read_text()))
    except OSError:
        return None
    except (ValueError, TypeError):
        path.unlink(missing_ok=True)
        return None
