"""An answer on its way out: stamped once, and never an error in another form than ours."""

import logging
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from web.problems import MEDIA_TYPE, Problem, retold

_KEPT = ("allow", "retry-after", "www-authenticate")
"""Headers of a foreign error that say something to its caller."""


class Answer:
    """Sends an answer once, with its request id; a foreign error is replaced by the problem that retells it."""

    def __init__(self, send: Send, request_id: str, log: logging.Logger) -> None:
        self.request_id = request_id
        self.log = log
        self.headers: dict[str, str] = {}
        self._send = send
        self._started = False
        self._replaced = False

    async def send(self, message: Any) -> None:
        """Pass a message on, unless it belongs to an error that is being retold."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if message["status"] >= 400 and not headers.get("content-type", "").startswith(MEDIA_TYPE):
                self._replaced = True
                await self._retell(message["status"], headers)
                return
            headers.update({"X-Request-Id": self.request_id, **self.headers})
            self._started = True
        if not self._replaced:
            await self._send(message)

    async def problem(self, problem: Problem, scope: Scope, receive: Receive) -> None:
        """Answer with a problem, unless an answer is under way already; what comes after it is dropped."""
        if self._started:
            return
        self._replaced = False
        await problem.response(self.request_id)(scope, receive, self.send)
        self._replaced = True

    async def _retell(self, status: int, headers: MutableHeaders) -> None:
        if status >= 500:
            self.log.error("request %s was answered %s", self.request_id, status)
        response = retold(status).response(self.request_id)
        response.headers.update({"X-Request-Id": self.request_id, **self.headers})
        response.headers.update({name: headers[name] for name in _KEPT if name in headers})
        self._started = True
        await response({"type": "http"}, _no_body, self._send)


async def _no_body() -> Any:
    return {"type": "http.disconnect"}
