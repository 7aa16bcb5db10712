"""Which pages may make a browser ask a service, and under which names."""

from functools import partial

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from base.browsers import Callers, Refusal, is_our_name
from web.problems import another_site, wrong_host
from web.settings import HttpSettings

PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-Id, traceparent",
    "Access-Control-Max-Age": "600",
}
_READABLE = "X-Request-Id, Retry-After"


def callers(settings: HttpSettings) -> Callers:
    """Who may ask a service with these settings."""
    return Callers(partial(_is_named, (settings.host, *settings.allowed_hosts)), settings.cors_origins)


def admit(scope: Scope, rules: Callers, settings: HttpSettings) -> dict[str, str]:
    """Headers for the answer: leave to read it, where a page of a known site asks.

    Raises:
        Problem: 403 where the name is not ours or the page is a stranger's.
    """
    headers = Headers(scope=scope)
    refusal = rules.refusal(scope["method"], scope["path"], headers)
    if refusal is Refusal.WRONG_HOST:
        raise wrong_host(headers["host"], settings.variable("allowed_hosts"))
    if refusal is Refusal.ANOTHER_SITE:
        raise another_site(settings.variable("cors_origins"))
    origin = headers.get("origin", "")
    if origin not in settings.cors_origins:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _READABLE, "Vary": "Origin"}


def preflight() -> Response:
    """What a browser asks before a page of a known site may ask."""
    return Response(status_code=204, headers=PREFLIGHT)


def _is_named(names: tuple[str, ...], host: str) -> bool:
    """A caller that names no host at all speaks HTTP/1.0: a probe, no browser."""
    return not host or is_our_name(host, names)
