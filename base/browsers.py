"""Whom a request comes from, as a browser tells: a server on loopback is within reach of every page that is open.

Two checks keep such pages out, without a password: the name in `Host` (a page of another name whose address was turned
to ours, DNS rebinding, still says its own name), and the headers that a browser sets and no page can change. Programs
that are no browsers send neither header and pass.
"""

import ipaddress
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit


class Headers(Protocol):
    """A request's headers, found by their names in small letters."""

    def get(self, name: str, default: str, /) -> str:
        """What a header says."""

    def __contains__(self, name: str, /) -> bool: ...


class Refusal(StrEnum):
    """Why somebody may not ask."""

    WRONG_HOST = "wrong-host"
    """The name is not the server's: its address may have been turned to ours."""
    ANOTHER_SITE = "another-site"
    """The page of another site makes a browser ask."""


@dataclass(frozen=True)
class Callers:
    """Who may ask a server.

    >>> callers = Callers(is_our_name)
    >>> callers.refusal("GET", "/", {"host": "localhost:5000"}) is None
    True
    >>> callers.refusal("POST", "/", {"host": "localhost:5000", "origin": "http://localhost:8888"}).value
    'another-site'
    """

    is_named: Callable[[str], bool]
    """Whether a `Host` header is one that the server goes by."""
    origins: Collection[str] = ()
    """Sites whose pages may ask besides the server's own, such as `https://app.example`."""
    opens: Callable[[str], bool] = "/".__eq__
    """Which paths are pages that a link from elsewhere may open in a tab."""
    own_pages: bool = True
    """Whether the server has pages of its own; where it has none, no page may ask."""

    def refusal(self, method: str, path: str, headers: Headers) -> Refusal | None:
        """Why this request is refused; None where it is not.

        Args:
            method: Of the request, in capitals.
            path: Without the query.
            headers: What came with it.
        """
        if not self.is_named(headers.get("host", "")):
            return Refusal.WRONG_HOST
        strange = is_foreign(headers, self.origins) if self.own_pages else is_a_page(headers)
        visit = self.opens(path) and is_a_visit(method, headers)
        return Refusal.ANOTHER_SITE if strange and not visit else None


def is_a_page(headers: Headers) -> bool:
    """Whether a page in a browser asks, be it whose it may.

    >>> is_a_page({"host": "localhost", "origin": "http://localhost"}), is_a_page({"host": "localhost"})
    (True, False)
    """
    return bool(headers.get("origin", "")) or headers.get("sec-fetch-site", "none") != "none"


def is_foreign(headers: Headers, origins: Collection[str] = ()) -> bool:
    """Whether the page of another site (another port of this machine is another site, too) makes a browser ask this.

    Args:
        headers: The request's.
        origins: Sites that may ask all the same, such as ``https://app.example``.

    >>> is_foreign({"host": "localhost:5000", "origin": "http://evil.example"})
    True
    >>> is_foreign({"host": "localhost:5000", "origin": "http://localhost:5000"}), is_foreign({"host": "localhost"})
    (False, False)
    >>> is_foreign({"host": "localhost:5000", "sec-fetch-site": "cross-site"})  # an <img>, a form
    True
    """
    origin = headers.get("origin", "").lower()
    if origin in origins:
        return False
    if site := headers.get("sec-fetch-site", ""):
        return site not in ("same-origin", "none")
    return bool(origin) and (urlsplit(origin).netloc or "null") != headers.get("host", "").lower()


def is_a_visit(method: str, headers: Headers) -> bool:
    """Whether somebody opens a page in a tab, by a link in a mail, say: harmless where the page changes nothing.

    >>> is_a_visit("GET", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"})
    True
    """
    whole = headers.get("sec-fetch-mode", "") == "navigate" and headers.get("sec-fetch-dest", "") == "document"
    return method in ("GET", "HEAD") and whole and "origin" not in headers


def is_our_name(host: str, allowed: Collection[str] = ()) -> bool:
    """Whether a `Host` header is one that this server goes by: an address, localhost, or one of `allowed`.

    An address is always fine: who asks for it by name cannot have turned the name. `*` allows every name.

    >>> [is_our_name(host) for host in ("127.0.0.1:3001", "[::1]:3001", "localhost", "evil.example:3001", "a@b", "")]
    [True, True, True, False, False, False]
    >>> is_our_name("api.example:80", ["api.example"]), is_our_name("any.example", ["*"])
    (True, True)
    """
    if "*" in allowed:
        return True
    name = name_of(host)
    return name in {"localhost", *allowed} or _is_address(name)


def name_of(host: str) -> str:
    """The host without its port, in small letters; empty where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # refuses what is no number
    except ValueError:
        return ""
    return "" if "@" in host or parts.path or parts.query else parts.hostname or ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
