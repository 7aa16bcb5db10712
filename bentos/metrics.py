"""What a scraper learns of the answers: how many, how fast, by model, version and arm."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = "agro_requests_total"
SECONDS = "agro_request_seconds"
LABELS = ("model", "version", "arm")
OUTCOMES = ("answered", "refused", "busy", "failed", "gone")
"""200; the caller's to mend; 429 and 503; a fault of ours; the caller left before there was an answer."""
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)

Labels = Callable[[str], Mapping[str, str]]
"""Model, version and arm behind a route."""


@cache
def _instruments() -> tuple[Any, Any]:
    """One of each in a process, in the registry that BentoML shows at `/metrics`."""
    from prometheus_client import Counter, Histogram

    counted = Counter(REQUESTS, "questions, by how they ended", (*LABELS, "outcome"))
    timed = Histogram(SECONDS, "seconds from a question to the end of its answer", LABELS, buckets=_BUCKETS_S)
    return counted, timed


def outcome(status: int | None) -> str:
    """How a question ended, by the status of its answer; None: there was none.

    >>> [outcome(status) for status in (200, 422, 503, 500, None)]
    ['answered', 'refused', 'busy', 'failed', 'gone']
    """
    if status is None:
        return "gone"
    if status in (429, 503):
        return "busy"
    return "answered" if status < 400 else "refused" if status < 500 else "failed"


class MetricsMiddleware:
    """Outermost of a Bento's middleware: counts each question, and times those that were answered.

    What is refused takes no time worth knowing, and would make the others look quick.

    Args:
        app: What answers.
        counts: Whether a request is a question of somebody's.
        labels: What answers behind one of them.
    """

    def __init__(self, app: ASGIApp, counts: Callable[[Scope], bool], labels: Labels) -> None:
        self.app = app
        self.counts = counts
        self.labels = labels

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ever."""
        if scope["type"] != "http" or not self.counts(scope):
            await self.app(scope, receive, send)
            return
        status, began = None, time.perf_counter()

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            self._count(scope["path"], outcome(status), time.perf_counter() - began)

    def _count(self, path: str, ended: str, took_s: float) -> None:
        counted, timed = _instruments()
        labels = self.labels(path)
        counted.labels(**labels, outcome=ended).inc()
        if ended == "answered":
            timed.labels(**labels).observe(took_s)
