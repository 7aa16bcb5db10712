"""When the alias `champion` was moved, and by whom: MLflow keeps neither, so its front notes both beside the move.

A note is a tag of the registered model, in MLflow's own database; whoever writes the history takes it from there.
"""

import base64
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

log = logging.getLogger(__name__)
PREFIX = "champion.moved."
"""The tags' names begin with it; the time of the move follows."""
_ALIAS = re.compile(r"/(ajax-)?api/2\.0/mlflow/registered-models/alias")
_SET_TAG = "/api/2.0/mlflow/registered-models/set-tag"
_LONGEST = 1 << 16
"""Bytes of a request that moves an alias."""


@dataclass(frozen=True)
class Move:
    """One move of `champion`, as it was noted."""

    key: str
    """Name of the tag."""
    at: datetime
    version: int | None
    """None: the alias was taken away."""
    who: str = ""
    """The account that MLflow's authentication knows; empty without one."""


def read(tags: Mapping[str, str]) -> list[Move]:
    """The moves among a registered model's tags, oldest first.

    >>> read({"champion.moved.2026-03-03T10:00:00.000000Z": '{"version": 2, "who": "ada"}'})[0].version
    2
    """
    found = (_move(key, value) for key, value in tags.items() if key.startswith(PREFIX))
    return sorted((move for move in found if move is not None), key=lambda move: move.at)


def _move(key: str, value: str) -> Move | None:
    try:
        said = json.loads(value)
        return Move(key, datetime.fromisoformat(key.removeprefix(PREFIX)), said["version"], said["who"])
    except (ValueError, TypeError, KeyError):
        return None


class Noted:
    """ASGI middleware around MLflow's application that notes each move of `champion` before it is answered."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        moves = scope["type"] == "http" and scope["method"] in ("POST", "DELETE") and _ALIAS.fullmatch(scope["path"])
        if not moves:
            await self.app(scope, receive, send)
            return
        body, answer = await _body(receive), _Answer()
        await self.app(scope, _given(body, receive), answer.take)
        if answer.status == 200:
            await self._note(scope, body)
        for message in answer.messages:
            await send(message)

    async def _note(self, scope: Any, body: bytes) -> None:
        """Note the move; where that fails the move stands, and is seen later without its time."""
        try:
            asked = json.loads(body) if body.strip() else dict(parse_qsl(scope["query_string"].decode()))
            if asked["alias"] == "champion":
                version = int(asked["version"]) if scope["method"] == "POST" else None
                await self._tag(scope, asked["name"], {"version": version, "who": _who(scope)})
        except Exception:
            log.warning("a move of champion was not noted", exc_info=True)

    async def _tag(self, scope: Any, name: str, value: Mapping[str, Any]) -> None:
        """Set the tag through the application itself, by the leave of whoever moved the alias."""
        key = f"{PREFIX}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
        body = json.dumps({"name": name, "key": key, "value": json.dumps(value)}).encode()
        kept = [pair for pair in scope["headers"] if pair[0] not in (b"content-length", b"content-type")]
        headers = [*kept, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        asked = {"method": "POST", "path": _SET_TAG, "raw_path": _SET_TAG.encode(), "query_string": b""}
        answer = _Answer()
        await self.app({**scope, **asked, "headers": headers, "state": {}}, _given(body), answer.take)
        if answer.status != 200:
            log.warning("a move of champion was not noted: MLflow answered %s", answer.status)


class _Answer:
    """An answer that is held back."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.status = 0

    async def take(self, message: Any) -> None:
        self.messages.append(message)
        self.status = message.get("status", self.status)


async def _body(receive: Any) -> bytes:
    """The request's body; what is longer than any move of an alias is cut, and then refused by MLflow."""
    body, more = b"", True
    while more and len(body) < _LONGEST:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _given(body: bytes, rest: Any = None) -> Any:
    """A `receive` that gives a body that was read."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        return await rest() if rest is not None else {"type": "http.disconnect"}

    return receive


def _who(scope: Any) -> str:
    """The account of a request that MLflow let pass."""
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:6].lower() == b"basic ":
            return base64.b64decode(value[6:]).decode().partition(":")[0]
    return ""
