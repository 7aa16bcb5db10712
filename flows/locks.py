"""Keeps two runs of the same thing from racing."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flows import records
from flows.errors import SlotTaken
from flows.progress import tell
from models.families import models

PATIENCE_S = 3600.0
ASK_S = 2.0
_TAKEN = 423
log = logging.getLogger(__name__)


@contextmanager
def one_at_a_time(name: str, lease_s: float = 300) -> Iterator[None]:
    """Hold the global concurrency slot `name`; a second run waits here until the first is done, and says for whom.

    The slot lives on the Prefect server, so it holds across processes and machines; `agro up` creates the slots. A run
    that died on this machine gives its slot back as soon as the reaper finds it, elsewhere after `lease_s` (60 or
    more); one that lives renews its lease.

    Raises:
        SlotTaken: Another run held it for an hour.
    """
    from prefect.client.orchestration import get_client

    with records.recorded(name) as record:
        with get_client(sync_client=True) as client:
            lease = _take(client, name, lease_s)
        records.holding(record, lease)
        with _renewed(lease, lease_s):
            yield


def _take(client: Any, name: str, lease_s: float) -> str:
    """Wait for the slot; the lease that holds it."""
    end, told = time.monotonic() + PATIENCE_S, ""
    while (lease := _asked(client, name, lease_s)) is None:
        told = _tell_holder(name, told)
        if time.monotonic() > end:
            raise SlotTaken(f"{told}; this run gave up after {PATIENCE_S / 60:.0f} minutes: run it again")
        time.sleep(ASK_S)
    return lease


def _asked(client: Any, name: str, lease_s: float) -> str | None:
    """The lease; None while somebody else has the slot."""
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        answer = client.increment_concurrency_slots_with_lease([name], 1, "concurrency", lease_s)
    except PrefectHTTPStatusError as exc:
        if exc.response.status_code != _TAKEN:
            raise
        return None
    return str(answer.json()["lease_id"])


def _tell_holder(name: str, told: str) -> str:
    """Say for whom this run waits, in its progress and in its log, whenever that changes."""
    from prefect.logging import get_run_logger

    holder = records.holder(name)
    who = f"{holder} has it since {holder.since}" if holder else "a run on another machine, or one that died, has it"
    if (words := f"waiting for the slot {name}: {who}") != told:
        tell(0.0, words)
        get_run_logger().info(words)
    return words


@contextmanager
def _renewed(lease: str, lease_s: float) -> Iterator[None]:
    """Renew a lease while the block runs, then give it back."""
    done = threading.Event()
    thread = threading.Thread(target=_renew, args=(lease, lease_s, done), name=f"lease {lease}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(2)
        release(lease)


def _renew(lease: str, lease_s: float, done: threading.Event) -> None:
    from httpx import HTTPError
    from prefect.client.orchestration import get_client

    while not done.wait(lease_s / 4):
        try:
            with get_client(sync_client=True) as client:
                client.renew_concurrency_lease(UUID(lease), lease_s)
        except HTTPError as exc:
            log.warning("the lease of a slot was not renewed, another run may begin: %s", exc)


def release(lease: str) -> None:
    """Give a slot back; a server that is away gives it back itself when the lease ends."""
    from httpx import HTTPError
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            client.release_concurrency_slots_with_lease(UUID(lease))
    except HTTPError as exc:
        log.warning("a slot was not given back, it is free when its lease ends: %s", exc)


def create_slots(names: list[str]) -> None:
    """Create the slots that do not exist yet, each for one holder."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

    with get_client(sync_client=True) as client:
        known = {limit.name for limit in client.read_global_concurrency_limits(limit=200, offset=0)}
        for name in sorted(set(names) - known):
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1, active=True))


TRAINING_SLOTS = [record.slot for record in models().values()]
TUNING_SLOTS = [name.replace("train-", "tune-") for name in TRAINING_SLOTS]
PROMOTION_SLOTS = [f"promote-{name}" for name in models()]
