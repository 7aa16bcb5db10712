"""How often a step that touches the world is tried, and when another try may help."""

from typing import Any

from prefect.cache_policies import NO_CACHE

from features.errors import StoreUnreachable
from registry.errors import RegistryUnreachable

UNREACHABLE = (StoreUnreachable, RegistryUnreachable)


def passing(task: Any, run: Any, state: Any) -> bool:
    """Whether another try may help: only where a server did not answer; a wrong row stays wrong."""
    return isinstance(state.result(raise_on_failure=False), UNREACHABLE)


WORLD: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [2, 10, 30],
    "retry_condition_fn": passing,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""Options of a step that touches the world: three more tries. A client cannot be hashed, so nothing is cached."""
