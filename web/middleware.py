"""The middleware that every service wears: who gets in, how much they may bring, and what every refusal looks like."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from web.answers import Answer
from web.bodies import FORM, bounded
from web.callers import admit, callers, preflight
from web.identities import Identities
from web.limits import Places
from web.problems import Problem, fault, wrong_method
from web.request_ids import begin
from web.settings import HttpSettings

_OWN = ("/healthz", "/readyz")

Ready = Callable[[], Awaitable[Mapping[str, Any]]]
"""What serves; raises the problem that says why nothing does."""


class ServiceMiddleware:
    """ASGI middleware around a service's routes, in FastAPI and in BentoML alike.

    It refuses strangers' pages and unknown callers, keeps bodies, numbers and times within bounds, answers `/healthz`
    and `/readyz`, stamps each answer with a request id, and retells every error of the layers behind it as a problem
    document. It is worn by `add_middleware`: a framework's own catcher of errors, outermost, would tell a problem as a
    fault.

    Args:
        app: What answers.
        settings: The service's names and bounds.
        ready: Whether it can answer.
        uncounted: Paths that are answered however busy the service is.
        log: Where faults are written with their request's id.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: HttpSettings,
        ready: Ready,
        uncounted: Collection[str] = (),
        log: logging.Logger | None = None,
    ) -> None:
        self.app = app
        self.settings = settings
        self.ready = ready
        self.uncounted = uncounted
        self.log = log or logging.getLogger("agrologistic")
        self.callers = callers(settings)
        self.identities = Identities(settings)
        self.places = Places(settings.max_in_flight, settings.request_timeout_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer(send, begin(Headers(scope=scope)), self.log)
        try:
            await self._answer(scope, receive, answer)
        except Problem as problem:
            await answer.problem(problem, scope, receive)
        except ClientDisconnect:
            return
        except Exception:
            self.log.exception("request %s failed", answer.request_id)
            await answer.problem(fault(), scope, receive)

    async def _answer(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        answer.headers = admit(scope, self.callers, self.settings)
        if answer.headers and scope["method"] == "OPTIONS":
            await preflight()(scope, receive, answer.send)
        elif scope["path"] in _OWN:
            _read_only(scope)
            said = {"alive": True} if scope["path"] == "/healthz" else dict(await self.ready())
            await JSONResponse(said)(scope, receive, answer.send)
        elif scope["path"] in self.uncounted:
            await self.app(scope, receive, answer.send)
        else:
            await self.identities.admit(scope)
            await self.places.run(lambda: self.app(scope, self._bounded(scope, receive), answer.send))

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        upload = headers.get("content-type", "").lower().startswith(FORM)
        most = self.settings.max_upload_bytes if upload else self.settings.max_body_bytes
        return bounded(headers, receive, most)


def _read_only(scope: Scope) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        raise wrong_method("GET, HEAD")
