"""Emptying a service that is to stop, without losing a request: its callers are sent on to whoever takes its place."""

import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.problems import not_ready
from web.request_ids import request_id

DRAINING = "the service is draining: it answers what still comes, and another one takes its place"


class Drain:
    """Told by whoever stops the service; asked by the middleware, and by whoever waits until nobody is left."""

    def __init__(self) -> None:
        self.active = False
        self.in_flight = 0
        self._last = time.monotonic()

    def begin(self) -> None:
        """Send callers on from now on; a signal handler may call this."""
        self.active = True

    def quiet_s(self) -> float:
        """Seconds since the last answer was complete; 0 while one is under way."""
        return 0.0 if self.in_flight else time.monotonic() - self._last

    def enter(self) -> None:
        """A request begins."""
        self.in_flight += 1

    def leave(self) -> None:
        """A request has its answer."""
        self.in_flight -= 1
        self._last = time.monotonic()


class DrainingMiddleware:
    """Outermost ASGI middleware: once told to drain, every answer ends its connection, and `/readyz` says so.

    A caller who keeps its connection would otherwise send its next request into a process that is about to close it.
    """

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self.app = app
        self.drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ever; while draining, for the last time on this connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.drain.enter()
        try:
            await self._app_for(scope)(scope, receive, self._last_answer(send))
        finally:
            self.drain.leave()

    def _app_for(self, scope: Scope) -> ASGIApp:
        if not (self.drain.active and scope["path"] == "/readyz"):
            return self.app
        known = request_id(Headers(scope=scope).get("x-request-id"))
        response = not_ready(DRAINING).response(known)
        response.headers["X-Request-Id"] = known
        return response

    def _last_answer(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if self.drain.active and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        return sending
