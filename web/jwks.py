"""The keys that an issuer signs its tokens with, kept, and asked for again at a bounded rate."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from web.problems import bad_token, busy

REFRESH_S = 3600.0
"""Longest life of keys: one that the issuer withdrew is good for no longer, unless the issuer is away."""
PAUSE_S = 10.0
"""Shortest time between two askings, however many tokens name keys that nobody knows."""
MOST_BYTES = 1 << 18
_SYMMETRIC = "oct"
log = logging.getLogger("agrologistic")

Fetch = Callable[[], Awaitable[bytes]]


class Jwks:
    """An issuer's keys by their names (`kid`).

    Args:
        fetch: Reads the key set, as JSON.
        now: Seconds that only grow.

    Source: RFC 7517, JSON Web Key, s.5.
    """

    def __init__(self, fetch: Fetch, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._now = fetch, now
        self._keys: dict[str, Any] | None = None
        self._fresh_until = self._next = float("-inf")
        self._asking = asyncio.Lock()

    async def key(self, kid: str) -> Any:
        """The key of that name.

        Raises:
            Problem: 401 where the issuer has none; 503 where its keys were never had.
        """
        known = self._keys is not None and kid in self._keys
        if self._wants(kid) and not (known and self._asking.locked()):  # whoever has a key does not wait for newer ones
            async with self._asking:
                if self._wants(kid):
                    await self._ask()
        if self._keys is None:
            raise busy("the keys that tokens are signed with cannot be had", retry_after_s=int(PAUSE_S))
        if kid not in self._keys:
            raise bad_token("the token is signed with a key that its issuer does not name")
        return self._keys[kid]

    def _wants(self, kid: str) -> bool:
        now, known = self._now(), self._keys or {}
        return now >= self._next and (kid not in known or now >= self._fresh_until)

    async def _ask(self) -> None:
        try:
            self._keys = public_keys(await self._fetch())
            self._fresh_until = self._now() + REFRESH_S
        except Exception as exc:
            log.warning("the keys of the token issuer cannot be had: %s", exc)
        finally:
            self._next = self._now() + PAUSE_S


def public_keys(document: bytes) -> dict[str, Any]:
    """The signing keys of a key set by name; shared secrets, and keys of kinds nobody knows, are left out.

    Raises:
        ValueError: It is no key set.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    found = json.loads(document)
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise ValueError("it is no JSON Web Key Set")
    keys = {}
    for one in filter(_signs, found["keys"]):
        try:
            keys[one["kid"]] = JWKRegistry.import_key(one)
        except (JoseError, ValueError, TypeError):
            log.warning("a key of the token issuer cannot be read and is left out")
    return keys


def _signs(one: Any) -> bool:
    named = isinstance(one, dict) and isinstance(one.get("kid"), str)
    return named and one.get("kty") != _SYMMETRIC and one.get("use", "sig") == "sig"


def fetched_from(address: str) -> Fetch:
    """Reads a key set over HTTP, within bounds, and follows no redirect."""

    async def fetch() -> bytes:
        return await asyncio.to_thread(_get, address)

    return fetch


def _get(address: str) -> bytes:
    from web.client import client

    with client().stream("GET", address, timeout=5.0, follow_redirects=False) as answer:
        answer.raise_for_status()
        document = b""
        for chunk in answer.iter_bytes():
            document += chunk
            if len(document) > MOST_BYTES:
                raise ValueError(f"the key set is over {MOST_BYTES} bytes")
        return document
