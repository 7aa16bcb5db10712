"""MLflow's own server, its page opening on model training instead of on traces of language models.

MLflow 3.17 keeps in each browser which of the two it shows and begins with the other; an experiment's kind changes
nothing about it, and no setting does. So the page it sends gets a line that makes the choice where nobody has made it,
and keeps the panel of an assistant that is closed here from opening by itself.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CHOICE = (
    b"<script>try{for(const[k,v]of[['mlflow.workflowType_v1','\"machine_learning\"'],"
    b"['mlflow.assistant.fab.autoOpenedOnFirstLoad_v1','true']])"
    b"localStorage.getItem(k)||localStorage.setItem(k,v)}catch(e){}</script>"
)


class Page:
    """An ASGI app that adds the choice to the head of the page at `/` and passes on everything else."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        whole = _Whole(send)
        await self._app({**scope, "headers": _unconditional(scope["headers"])}, receive, whole.take)


def _unconditional(headers: Any) -> list[tuple[bytes, bytes]]:
    """The headers without those that ask for a changed or compressed page only: ours differs from the file."""
    return [(name, value) for name, value in headers if name not in (b"if-none-match", b"if-modified-since")]


class _Whole:
    """Holds an answer back until it is whole, and sends it with the choice in it."""

    def __init__(self, send: Send) -> None:
        self._send, self._body = send, b""
        self._start: dict[str, Any] = {}

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = dict(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = self._body.replace(b"<head>", b"<head>" + CHOICE, 1)
        kept = [pair for pair in self._start["headers"] if pair[0].lower() not in (b"content-length", b"etag")]
        await self._send(self._start | {"headers": [*kept, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})
