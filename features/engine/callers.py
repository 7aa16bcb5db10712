"""Who may ask the engine: programs of this machine that know its password, and no page in a browser."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message

from base.browsers import Callers, name_of
from features.engine.refusals import refused

ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PROGRAMS = Callers(lambda host: name_of(host) in _LOOPBACK, opens=lambda path: False, own_pages=False)


@dataclass(frozen=True)
class Account:
    """The one user that the engine knows."""

    user: str
    password: str = field(repr=False)


def check_host(headers: Message) -> None:
    """Refuse a request that came under another name than loopback's: a page whose name was pointed here.

    Raises:
        Refused: The Host header names another machine, or none.
    """
    if not _PROGRAMS.is_named(headers.get("Host", "")):
        raise refused(ACCESS_DENIED, "Only programs on this machine may ask the embedded engine")


def check_caller(headers: Message, args: Mapping[str, str], account: Account) -> None:
    """Refuse pages in a browser, and whoever does not know the password. Looks at no body.

    Raises:
        Refused: With ClickHouse's code for it: 497, or 516 where user or password are wrong.
    """
    check_host(headers)
    if _PROGRAMS.refusal("POST", "/", headers):
        raise refused(ACCESS_DENIED, "Only programs may ask the embedded engine, no pages in a browser")
    user, password = _credentials(headers, args)
    right = _same(user, account.user) & _same(password, account.password)
    if not right:
        text = f"{account.user}: Authentication failed: password is incorrect, or there is no user with such name."
        raise refused(AUTHENTICATION_FAILED, text)


def _credentials(headers: Message, args: Mapping[str, str]) -> tuple[str, str]:
    """User and password from where a ClickHouse server takes them: its headers, basic authentication, the query."""
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        return headers.get("X-ClickHouse-User", "default"), headers.get("X-ClickHouse-Key", "")
    scheme, _, coded = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _basic(coded)
    return args.get("user", "default"), args.get("password", "")


def _basic(coded: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


def _same(said: str, known: str) -> bool:
    """Compared in a time that tells nothing of how much was right."""
    return hmac.compare_digest(said.encode("utf-8", "surrogateescape"), known.encode())
