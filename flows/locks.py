"""Keeps two runs of the same thing from racing."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_at_a_time(name: str, lease_s: float = 300) -> Iterator[None]:
    """Hold the global concurrency slot `name`; a second run waits here until the first is done.

    The slot lives on the Prefect server, so it holds across processes and machines; `agro up` creates the slots. A run
    that died gives its slot back after `lease_s` (60 or more); one that lives renews its lease.
    """
    from prefect.concurrency.sync import concurrency

    with concurrency(name, occupy=1, timeout_seconds=3600, lease_duration=lease_s):
        yield


def create_slots(names: list[str]) -> None:
    """Create the slots that do not exist yet, each for one holder."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

    with get_client(sync_client=True) as client:
        known = {limit.name for limit in client.read_global_concurrency_limits(limit=200, offset=0)}
        for name in sorted(set(names) - known):
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1, active=True))


TRAINING_SLOTS = [f"train-{name}" for name in ("recommender", "demand-forecaster", "leaf-disease")]
TUNING_SLOTS = [name.replace("train-", "tune-") for name in TRAINING_SLOTS]
