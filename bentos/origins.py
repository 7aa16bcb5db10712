"""Which pages may make a browser ask a service, and under which names."""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from base.browsers import is_a_visit, is_foreign, is_our_name
from bentos.settings import ServingSettings
from web.problems import another_site, wrong_host

PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, X-Request-Id",
    "Access-Control-Max-Age": "600",
}


def admit(scope: Scope, settings: ServingSettings) -> dict[str, str]:
    """Headers for the answer: leave to read it, where a page of a known site asks.

    Raises:
        Problem: 403 where the name is not ours or the page is a stranger's.
    """
    headers = Headers(scope=scope)
    if not is_our_name(headers.get("host", "localhost"), (settings.host, *settings.allowed_hosts)):
        raise wrong_host(headers["host"])
    visit = scope["path"] == "/" and is_a_visit(scope["method"], headers)
    if is_foreign(headers, settings.cors_origins) and not visit:
        raise another_site()
    origin = headers.get("origin", "")
    if origin not in settings.cors_origins:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "X-Request-Id, Retry-After",
        "Vary": "Origin",
    }


def preflight() -> Response:
    """What a browser asks before a page of a known site may ask."""
    return Response(status_code=204, headers=PREFLIGHT)
