"""Whom a request comes from, as a browser tells: a server on loopback is within reach of every page that is open.

Two checks keep such pages out, without a password: the name in `Host` (a page of another name whose address was turned
to ours, DNS rebinding, still says its own name), and the headers that a browser sets and no page can change. Programs
that are no browsers send neither header and pass.
"""

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit


def is_foreign(headers: Mapping[str, str], origins: Collection[str] = ()) -> bool:
    """Whether the page of another site (another port of this machine is another site, too) makes a browser ask this.

    Args:
        headers: The request's, by their names in small letters.
        origins: Sites that may ask all the same, such as ``https://app.example``.

    >>> is_foreign({"host": "localhost:5000", "origin": "http://evil.example"})
    True
    >>> is_foreign({"host": "localhost:5000", "origin": "http://localhost:5000"}), is_foreign({"host": "localhost"})
    (False, False)
    >>> is_foreign({"host": "localhost:5000", "sec-fetch-site": "cross-site"})  # an <img>, a form
    True
    """
    origin = headers.get("origin", "")
    if origin in origins:
        return False
    if site := headers.get("sec-fetch-site", ""):
        return site not in ("same-origin", "none")
    return bool(origin) and (urlsplit(origin).netloc or "null") != headers.get("host", "")


def is_a_visit(method: str, headers: Mapping[str, str]) -> bool:
    """Whether somebody opens a page in a tab, by a link in a mail, say: harmless where the page changes nothing.

    >>> is_a_visit("GET", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"})
    True
    """
    whole = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return method in ("GET", "HEAD") and whole


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
    name = _name(host)
    return name in {"localhost", *allowed} or _is_address(name)


def _name(host: str) -> str:
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
