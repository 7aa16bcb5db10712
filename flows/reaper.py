"""Finds flow runs whose process died without a word: ends what they left, tells the server, gives their slot back.

`python -m flows.reaper` looks every few seconds; the local platform runs it beside the worker. Prefect is imported when
the first dead run is found.
"""

import logging
import sys
import time
from uuid import UUID

from bentos import processes
from flows import records
from flows.records import Record

LOOK_S = 2.0
log = logging.getLogger("flows.reaper")


def main() -> None:
    """Look until told to stop."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    while True:
        try:
            for line in reap():
                log.info(line)
        except Exception:
            log.exception("a dead run could not be dealt with; it is tried again")
            time.sleep(10)
        time.sleep(LOOK_S)


def reap() -> list[str]:
    """Deal with every run whose process has ended.

    Returns:
        What was done, a line a run.

    Raises:
        PrefectUnreachable: The server is away; the runs are found again.
    """
    dead = [record for record in records.everything() if record.process() is None]
    return [_bury(record, f"its process {record.pid} died", tell=True) for record in dead]


def end_all(why: str) -> list[str]:
    """End every run of this machine, the caller's own aside.

    Returns:
        What was done, a line a run; where the server is away the runs are told of at its next start.
    """
    from flows.errors import PrefectUnreachable

    known = records.everything()  # one that can still clean up takes its record away itself
    processes.end(records.processes_of_all())
    dead = [record for record in known if record.process() is None]
    try:
        return [_bury(record, why) for record in dead]
    except PrefectUnreachable:
        return [f"{record} was ended" for record in dead]


def _bury(record: Record, why: str, tell: bool = False) -> str:
    left = processes.end(records.processes_of(record))
    crashed = _crash(record.run_id, why, tell)
    if record.lease:
        from flows.locks import release

        release(record.lease)
    records.forget(record)
    told = f"{record} {'crashed' if crashed else 'ended'}: {why}"
    slot = f"; the slot {record.slot} is free" if record.lease else ""
    return told + slot + (f"; ended what it left behind: {', '.join(left)}" if left else "")


def _crash(run_id: str, why: str, tell: bool) -> bool:
    """Set the run's state on the server, unless it has ended there already; `tell` people who were not watching."""
    from flows.failures import mail_failure
    from flows.runtime import connect_prefect

    connect_prefect()
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Crashed

    with get_client(sync_client=True) as client:
        try:
            run = client.read_flow_run(UUID(run_id))
        except ObjectNotFound:
            return False
        ended = run.state is not None and run.state.is_final()
        state = run.state if ended else Crashed(message=f"The run ended without a word: {why}.")
        if not ended:
            client.set_flow_run_state(run.id, state, force=True)
        if tell and state.is_crashed():  # the worker may have seen it first; a mail that went is not sent again
            mail_failure(client.read_flow(run.flow_id), run, state)
    return not ended


if __name__ == "__main__":
    main()
