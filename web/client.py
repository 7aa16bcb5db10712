"""HTTP to our own programs."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from web.request_ids import outgoing

if TYPE_CHECKING:
    from httpx import Client, Request


@cache
def client() -> "Client":
    """One client for the process, as each new one reads every certificate of the machine: 40 ms.

    It keeps no connection open: the program behind an address may be another one by the next call. What it asks on
    behalf of a request carries that request's id and trace.
    """
    import httpx

    bounds = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=2, limits=bounds, event_hooks={"request": [_carry]})


def client_of(socket: Path) -> "Client":
    """A client for the program that answers on a unix socket, as `http://localhost`."""
    import httpx

    return httpx.Client(base_url="http://localhost", transport=httpx.HTTPTransport(verify=False, uds=str(socket)))


def _carry(request: "Request") -> None:
    for name, value in outgoing().items():
        request.headers.setdefault(name, value)
