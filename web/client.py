"""HTTP to our own programs."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx import Client


@cache
def client() -> "Client":
    """One client for the process, as each new one reads every certificate of the machine: 40 ms.

    It keeps no connection open: the program behind an address may be another one by the next call.
    """
    import httpx

    return httpx.Client(timeout=2, limits=httpx.Limits(max_keepalive_connections=0))
