"""Who may call the Prefect server: programs, and our own page; no other page that a browser has open.

Whoever may call it may run a command, since a deployment can carry shell steps. A page from elsewhere is known by what
browsers send and no page can forge: `Host` (a name made to point at this machine stays a foreign name), `Origin` and
`Sec-Fetch-Site`. Programs send neither of the latter two.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from base.browsers import Callers, Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_POLICY = (b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:", b"frame-ancestors 'none'")
_HEADER = (b"content-security-policy", b"; ".join(_POLICY))
"""Our page asks nobody else (Prefect's would tell its makers), and none may show it inside itself, where a click could
be led astray."""


def origins(hosts: Iterable[str]) -> list[str]:
    """The origins of our own pages.

    >>> origins(["127.0.0.1:4200"])
    ['http://127.0.0.1:4200', 'https://127.0.0.1:4200']
    """
    return [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]


class OwnCallersOnly:
    """Puts itself before an ASGI app and refuses what a foreign page makes a browser send, websockets included."""

    def __init__(self, app: App, hosts: Iterable[str], setting: str) -> None:
        """Guard `app`.

        Args:
            app: What answers those who may call.
            hosts: Every `name:port` that this server is called by.
            setting: The variable that adds a name, for the refusal.
        """
        self.app, self.setting = app, setting
        known = {host.lower() for host in hosts}
        self.callers = Callers(known.__contains__, set(origins(known)), opens=_is_a_page)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, or refuse with 403 and the reason."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif reason := self.refusal(scope):
            await _refuse(scope, send, reason)
        else:
            await self.app(scope, receive, _with_policy(send))

    def refusal(self, scope: Message) -> str | None:
        """Why this request is refused; None where it is not."""
        headers = {name.decode("latin-1"): value.decode("latin-1").lower() for name, value in scope["headers"]}
        method = scope["method"] if scope["type"] == "http" else "CONNECT"
        refusal = self.callers.refusal(method, scope["path"], headers)
        if refusal is Refusal.WRONG_HOST:
            name = headers.get("host", "")
            return f"this server is not called {name!r}; where it should be, add that name to {self.setting}"
        return "a page from elsewhere may not call this server" if refusal else None


def _is_a_page(path: str) -> bool:
    return not path.startswith("/api")


def _with_policy(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), _HEADER]
        await send(message)

    return sending


async def _refuse(scope: Message, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})  # before accept: the server answers 403
        return
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
