"""Who may move `champion`: where MLflow's authentication is on, promoters alone.

MLflow knows one permission, EDIT, for logging a version and for moving an alias. So this stands before it and asks who
moves `champion`, or writes what decides about it. It believes the name that comes along; MLflow behind it asks for
that name's password.
"""

import base64
import json
import re
from collections.abc import Collection
from typing import Any

from registry.approval import APPROVAL
from registry.asgi import given, say, whole
from registry.records import CHAMPION, ROLLOUT

RESERVED = (APPROVAL, ROLLOUT)
"""Tags of a version that say whether it may serve."""
NOTES = "champion.moved."
"""Tags of a model in which a move was noted begin with it."""
_ASKED = re.compile(
    r"/(ajax-)?api/\d\.\d/mlflow/(registered-models/(alias|rename|create|set-tag|delete-tag)"
    r"|model-versions/(create|set-tag|delete-tag))/?"
)
_LONGEST = 1 << 20
"""Bytes of a request that registers, tags, renames or moves."""


class Promoters:
    """ASGI middleware around MLflow's application with authentication."""

    def __init__(self, app: Any, names: Collection[str]) -> None:
        """Guard `app`.

        Args:
            app: MLflow's application, which proves passwords.
            names: Accounts that may move `champion`.
        """
        self.app, self.names = app, frozenset(names)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        if not self._asks(scope):
            await self.app(scope, receive, send)
            return
        body = await whole(receive, _LONGEST)
        if body is None:
            await say(send, 413, f"send at most {_LONGEST} bytes")
        elif is_reserved(scope["path"], body):
            await say(send, 403, "only a promoter may do this; ask one, or whoever sets AGRO_MLFLOW_PROMOTERS")
        else:
            await self.app(scope, given(body, receive), send)

    def _asks(self, scope: Any) -> bool:
        """Whether somebody who is no promoter asks for what might be reserved."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD") or not _ASKED.fullmatch(scope["path"]):
            return False
        names = accounts(scope)
        return bool(names) and not (len(names) == 1 and names[0] in self.names)  # nobody: MLflow asks for a password


def accounts(scope: Any) -> list[str]:
    """The accounts that a request names; an empty one for a header that names none."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    return [_account(value) for value in found]


def _account(value: bytes) -> str:
    kind, _, said = value.partition(b" ")
    try:
        return base64.b64decode(said).decode().partition(":")[0] if kind.lower() == b"basic" else ""
    except ValueError:
        return ""


def is_reserved(path: str, body: bytes) -> bool:
    """Whether only a promoter may ask this; what cannot be read is.

    >>> alias = "/api/2.0/mlflow/registered-models/alias"
    >>> is_reserved(alias, b'{"alias": "champion"}'), is_reserved(alias, b'{"alias": "mine"}'), is_reserved(alias, b"")
    (True, False, True)
    """
    try:
        asked = json.loads(body)
        asked = json.loads(asked) if isinstance(asked, str) else asked  # MLflow takes it twice encoded, too
        if path.rstrip("/").endswith("/alias"):
            return str(asked["alias"]).lower() == CHAMPION
        return path.rstrip("/").endswith("/rename") or any(map(_decides, _keys(asked)))
    except (ValueError, TypeError, KeyError, AttributeError):
        return True


def _keys(asked: dict[str, Any]) -> list[str]:
    """The tags that are to be written or deleted."""
    one = [asked["key"]] if "key" in asked else []
    return one + [tag["key"] for tag in asked.get("tags") or []]


def _decides(key: str) -> bool:
    return key in RESERVED or key.startswith(NOTES)
