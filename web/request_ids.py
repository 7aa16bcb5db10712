"""What follows a request through our services: its id, and the trace it belongs to."""

import re
import uuid
from collections.abc import Mapping
from contextvars import ContextVar

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
TRACEPARENT: ContextVar[str] = ContextVar("traceparent", default="")
_TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def request_id(came: str | None) -> str:
    """The caller's X-Request-Id where it is a plain token of at most 128 characters, else a new one."""
    return came if came and _TOKEN.fullmatch(came) else str(uuid.uuid4())


def begin(headers: Mapping[str, str]) -> str:
    """Take up a request: what is called and logged while it is answered carries its id and its trace.

    Args:
        headers: The request's, found by their names in small letters.

    Returns:
        The request's id.

    Source: W3C Trace Context, s.3.2; a `traceparent` that is none is left out, as it says there.
    """
    known, trace = request_id(headers.get("x-request-id")), headers.get("traceparent", "")
    REQUEST_ID.set(known)
    TRACEPARENT.set(trace if _TRACEPARENT.fullmatch(trace) else "")
    return known


def outgoing() -> dict[str, str]:
    """Headers for a call to another service on behalf of the request that is being answered; none outside of one.

    >>> _ = begin({"x-request-id": "order-7"})
    >>> outgoing()
    {'X-Request-Id': 'order-7'}
    """
    carried = {"X-Request-Id": REQUEST_ID.get(), "traceparent": TRACEPARENT.get()}
    return {name: value for name, value in carried.items() if value}
