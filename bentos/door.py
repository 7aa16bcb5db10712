"""The door of a service: who gets in, how much they may bring, and what every refusal looks like."""

import asyncio
import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

import bentoml
from bentoml.exceptions import BentoMLException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bentos.docs import FRONT, described
from bentos.origins import admit, preflight
from bentos.predictor import REQUEST_ID, Predictor
from bentos.questions import Question
from bentos.settings import ServingSettings
from web.bodies import Disconnected, bounded
from web.problems import (
    MEDIA_TYPE,
    STARTING,
    Problem,
    busy,
    fault,
    foreign,
    not_ready,
    request_id,
    wrong_media_type,
)

log = logging.getLogger("bentoml.agrologistic")

_SWAGGER = ("/static_content/swagger-ui.css", "/static_content/swagger-ui-bundle.js")
_BEHIND = ("/livez", "/healthz", "/metrics", *_SWAGGER)
"""What BentoML answers besides the question; its other pages are closed."""


def _predictor() -> Predictor | None:
    try:
        return bentoml.get_current_service().predictor
    except BentoMLException:
        return None


class Door:
    """ASGI middleware between BentoML's server and its routes.

    Reads the question within its bounds of size and time, refuses what cannot be answered before it costs anything,
    stamps each answer with a request id, and retells every error of the layers behind it as a problem document.
    """

    def __init__(self, app: ASGIApp, route: str, question: type[Question]) -> None:
        self.app = app
        self.route = route
        self.question = question
        self.in_flight = 0

    @cached_property
    def docs(self) -> dict[str, Any]:
        """What the service can be asked, as OpenAPI."""
        return described(bentoml.get_current_service().bento_service, self.question)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send, request_id(Headers(scope=scope).get("x-request-id")))
        REQUEST_ID.set(answer.request_id)
        try:
            await self._let_in(scope, receive, answer)
        except Problem as problem:
            await answer.problem(problem, scope, receive)
        except Disconnected:
            return
        except Exception:
            log.exception("request %s failed", answer.request_id)
            await answer.problem(fault(), scope, receive)

    async def _let_in(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        predictor = _predictor()
        answer.headers = admit(scope, predictor.settings if predictor else ServingSettings())
        page = (scope["path"], "GET" if scope["method"] == "HEAD" else scope["method"])
        if page == ("/readyz", "GET"):
            await _readiness(predictor)(scope, receive, answer.send)
        elif page == ("/", "GET"):
            await HTMLResponse(FRONT)(scope, receive, answer.send)
        elif page == ("/docs.json", "GET"):
            await JSONResponse(self.docs)(scope, receive, answer.send)
        elif scope["path"] == self.route and scope["method"] == "POST":
            await self._ask(predictor, scope, receive, answer)
        elif answer.headers and scope["method"] == "OPTIONS":
            await preflight()(scope, receive, answer.send)
        elif scope["path"] in (self.route, *_BEHIND):
            await self.app(scope, receive, answer.send)
        else:
            raise foreign(404)

    async def _ask(self, predictor: Predictor | None, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if predictor is None or predictor.loaded is None:
            raise not_ready(predictor.refusal if predictor else STARTING)
        if self.in_flight >= predictor.settings.max_in_flight:
            raise busy(f"{self.in_flight} requests are being answered; try again in a second")
        self.in_flight += 1
        try:
            async with asyncio.timeout(predictor.settings.request_timeout_s):
                question = await self._read(predictor, Headers(scope=scope), receive)
                scope["state"] = {**scope.get("state", {}), "question": question}
                await self.app(scope, _nothing_more(receive), answer.send)
        except TimeoutError as exc:
            raise busy(f"no answer within {predictor.settings.request_timeout_s:g} s") from exc
        finally:
            self.in_flight -= 1

    async def _read(self, predictor: Predictor, headers: Headers, receive: Receive) -> Question:
        came = headers.get("content-type", "")
        if came.split(";")[0].strip().lower() != self.question.reads:
            raise wrong_media_type(came, self.question.reads)
        if (encoding := headers.get("content-encoding", "identity")) != "identity":
            raise wrong_media_type(f"{came} encoded as {encoding}", f"{self.question.reads} without Content-Encoding")
        return await self.question.read(headers, bounded(headers, receive, self.question.limit(predictor.settings)))


def behind_door(route: str, question: type[Question]) -> Callable[[Any], Any]:
    """Decorate a BentoML service so that its route is reached through a door.

    Args:
        route: Path of the service's question.
        question: What the service is asked.
    """

    def decorate(service: Any) -> Any:
        service.add_asgi_middleware(Door, route=route, question=question)
        return service

    return decorate


def _readiness(predictor: Predictor | None) -> ASGIApp:
    if predictor is None or predictor.loaded is None:
        raise not_ready(predictor.refusal if predictor else STARTING)
    return JSONResponse(predictor.status())


def _nothing_more(receive: Receive) -> Receive:
    """The body has been read: an empty one, then whatever the server says (that the caller left)."""
    given = False

    async def rest() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return rest


class _Answer:
    """Sends an answer once, with its request id; a foreign error is replaced by the problem that retells it."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.request_id = request_id
        self.headers: dict[str, str] = {}
        self._send = send
        self._started = False
        self._replaced = False

    async def send(self, message: Message) -> None:
        """Pass a message on, unless it belongs to an error that is being retold."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if message["status"] >= 400 and not headers.get("content-type", "").startswith(MEDIA_TYPE):
                self._replaced = True
                await self._retell(message["status"], headers)
                return
            headers.update({"X-Request-Id": self.request_id, **self.headers})
            self._started = True
        if not self._replaced:
            await self._send(message)

    async def problem(self, problem: Problem, scope: Scope, receive: Receive) -> None:
        """Answer with a problem, unless an answer is under way already."""
        if not self._started:
            self._replaced = False
            await problem.response(self.request_id)(scope, receive, self.send)

    async def _retell(self, status: int, headers: MutableHeaders) -> None:
        if status >= 500:
            log.error("request %s was answered %s", self.request_id, status)
        response = foreign(status).response(self.request_id)
        response.headers.update({"X-Request-Id": self.request_id, **self.headers})
        response.headers.update({name: headers[name] for name in ("allow", "retry-after") if name in headers})
        self._started = True
        await response({"type": "http"}, _no_body, self._send)


async def _no_body() -> Any:
    return {"type": "http.disconnect"}
