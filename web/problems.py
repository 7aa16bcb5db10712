"""Errors as users see them: RFC 9457 problem documents with a remedy for each field, and never a trace."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class FieldError(NamedTuple):
    """One thing to change in the request."""

    field: str
    remedy: str


@dataclass
class Problem(Exception):
    """A refusal or a fault, told as a problem document.

    Source: RFC 9457, Problem Details for HTTP APIs.
    """

    status: int
    slug: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self, request_id: str) -> dict[str, Any]:
        """The body that the user gets."""
        return {
            "type": f"urn:agrologistic:problem:{self.slug}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "errors": [error._asdict() for error in self.errors],
            "request_id": request_id,
        }

    def response(self, request_id: str) -> Response:
        """The answer to send."""
        body = json.dumps(self.document(request_id), ensure_ascii=False)
        return Response(body, self.status, dict(self.headers), media_type=MEDIA_TYPE)


def invalid(*errors: FieldError, status: int = 422) -> Problem:
    """Input that cannot be answered; each error names a field and what to change."""
    detail = "; ".join(f"{error.field}: {error.remedy}" for error in errors[:3])
    return Problem(status, "invalid-input", detail, errors)


def too_large(limit: int) -> Problem:
    """A body over the limit, in bytes."""
    return Problem(
        413, "too-large", f"the body is over {limit} bytes", (FieldError("body", f"send at most {limit} bytes"),)
    )


def wrong_media_type(came: str, wanted: str) -> Problem:
    """A body of a kind that the endpoint does not read."""
    detail = f"this endpoint reads {wanted}, not {came or 'a body without Content-Type'}"
    return Problem(415, "wrong-media-type", detail, (FieldError("Content-Type", f"send {wanted}"),), {"Accept": wanted})


def wrong_host(came: str, setting: str) -> Problem:
    """A host name that is not the service's: its address may have been turned to ours (DNS rebinding)."""
    remedy = f"ask by address or as localhost, or name it in {setting}"
    return Problem(403, "wrong-host", f"{came[:200]!r} is no name of this service", (FieldError("Host", remedy),))


def another_site(setting: str) -> Problem:
    """A page of another site made a browser ask."""
    remedy = f"ask from the service's own page, or name the site in {setting}"
    return Problem(403, "another-site", "the page of another site asks", (FieldError("Origin", remedy),))


def busy(why: str, retry_after_s: int = 1) -> Problem:
    """More than can be answered now; trying again may help."""
    return Problem(503, "busy", why, headers={"Retry-After": str(retry_after_s)})


def too_many(why: str = "too many requests at a time", retry_after_s: int = 1) -> Problem:
    """More than one caller may ask."""
    return Problem(429, "busy", why, headers={"Retry-After": str(retry_after_s)})


def bad_token(why: str, given: bool = True) -> Problem:
    """The caller is not known: no token, or one that proves nothing.

    Source: RFC 6750, s.3.1; where no token came, the challenge carries no error code.
    """
    challenge = 'Bearer error="invalid_token"' if given else "Bearer"
    errors = (FieldError("Authorization", f"{why}; send another token" if given else why),)
    return Problem(401, "unknown-caller", why, errors, {"WWW-Authenticate": challenge})


def wrong_audience() -> Problem:
    """A good token that is meant for another service."""
    remedy = "send a token whose aud names this service"
    return Problem(403, "wrong-audience", "the token is not meant for this service", (FieldError("aud", remedy),))


STARTING = "the service is starting or stopping"
"""Why there is no model for the moment; any other reason is one that stays."""


def not_ready(why: str) -> Problem:
    """The service has no model to answer with."""
    return Problem(503, "not-ready", why, headers={"Retry-After": "10"})


def fault() -> Problem:
    """Our failure; the log has the details under the request's id."""
    return Problem(500, "fault", "the service failed to answer; its log says why under this request_id")


def wrong_method(allowed: str) -> Problem:
    """A path that is there, and does not take that method."""
    problem = retold(405)
    problem.headers = {"Allow": allowed}
    return problem


def retold(status: int) -> Problem:
    """An error that another layer answered, retold: 400 becomes 422 and 504 becomes 503, as everywhere here."""
    known = {
        400: invalid(FieldError("body", "send what the endpoint's schema at /docs.json describes")),
        404: Problem(404, "no-such-path", "nothing is here; GET /docs.json lists the endpoints"),
        405: Problem(405, "wrong-method", "this path does not take that method; the Allow header lists what it takes"),
        429: too_many(),
        503: busy("the service is overloaded"),
        504: busy("the request took too long"),
    }
    if status >= 500 and status not in known:
        return fault()
    return known.get(status) or Problem(status, "refused", HTTPStatus(status).phrase)
