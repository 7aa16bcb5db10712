"""When the alias `champion` was moved, and by whom: MLflow keeps neither, so its front notes both beside the move.

A note is a tag of the registered model, in MLflow's own database; whoever writes the history takes it from there.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from registry.asgi import given, say, whole
from registry.records import CHAMPION
from registry.roles import NOTES, accounts

log = logging.getLogger(__name__)
_ALIAS = re.compile(r"/(ajax-)?api/\d\.\d/mlflow/registered-models/alias/?")
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
    found = (_move(key, value) for key, value in tags.items() if key.startswith(NOTES))
    return sorted((move for move in found if move is not None), key=lambda move: move.at)


def _move(key: str, value: str) -> Move | None:
    try:
        said = json.loads(value)
        return Move(key, datetime.fromisoformat(key.removeprefix(NOTES)), said["version"], said["who"])
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
        body, answer = await whole(receive, _LONGEST), _Answer()
        if body is None:
            await say(send, 413, f"send at most {_LONGEST} bytes")
            return
        await self.app(scope, given(body, receive), answer.take)
        if answer.status == 200:
            await self._note(scope, body)
        for message in answer.messages:
            await send(message)

    async def _note(self, scope: Any, body: bytes) -> None:
        """Note the move; where that fails the move stands, and is seen later without its time."""
        try:
            asked = json.loads(body) if body.strip() else dict(parse_qsl(scope["query_string"].decode()))
            asked = json.loads(asked) if isinstance(asked, str) else asked  # MLflow takes it twice encoded, too
            if str(asked["alias"]).lower() == CHAMPION:
                version = int(asked["version"]) if scope["method"] == "POST" else None
                await self._tag(scope, asked["name"], {"version": version, "who": next(iter(accounts(scope)), "")})
        except Exception:
            log.warning("a move of champion was not noted", exc_info=True)

    async def _tag(self, scope: Any, name: str, value: Mapping[str, Any]) -> None:
        """Set the tag through the application itself, by the leave of whoever moved the alias."""
        key = f"{NOTES}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
        body = json.dumps({"name": name, "key": key, "value": json.dumps(value)}).encode()
        kept = [pair for pair in scope["headers"] if pair[0] not in (b"content-length", b"content-type")]
        headers = [*kept, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        asked = {"method": "POST", "path": _SET_TAG, "raw_path": _SET_TAG.encode(), "query_string": b""}
        answer = _Answer()
        await self.app({**scope, **asked, "headers": headers, "state": {}}, given(body, _nothing), answer.take)
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


async def _nothing() -> Any:
    return {"type": "http.disconnect"}
