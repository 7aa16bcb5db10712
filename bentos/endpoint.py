"""A Bento's endpoint: what every service of ours wears, around what BentoML would do otherwise."""

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

import bentoml
from bentoml.exceptions import BentoMLException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bentos.docs import FRONT, described
from bentos.predictor import Predictor
from bentos.questions import Question
from bentos.settings import ServingSettings
from web.middleware import ServiceMiddleware
from web.problems import STARTING, not_ready, retold

_UNCOUNTED = ("/", "/docs.json", "/livez", "/metrics")
_SWAGGER = ("/static_content/swagger-ui.css", "/static_content/swagger-ui-bundle.js")
_BEHIND = ("/livez", "/metrics", *_SWAGGER)
"""What BentoML answers besides the question; its other pages are closed."""


def endpoint(route: str, question: type[Question]) -> Callable[[Any], Any]:
    """Decorate a BentoML service: its route is asked a question, and nothing else of BentoML's is open.

    Args:
        route: Path of the service's question.
        question: What the service is asked.
    """

    def decorate(service: Any) -> Any:
        service.add_asgi_middleware(dressed, service=service, route=route, question=question)
        return service

    return decorate


def dressed(app: ASGIApp, service: Any, route: str, question: type[Question]) -> ServiceMiddleware:
    """BentoML's application behind the middleware of every service."""
    log = logging.getLogger("bentoml.agrologistic")  # BentoML's own handler prints what is under its name
    asking = QuestionMiddleware(app, service, route, question)
    return ServiceMiddleware(asking, ServingSettings(), ready, _UNCOUNTED, log)


async def ready() -> dict[str, Any]:
    """What is loaded.

    Raises:
        Problem: 503 with the reason why nothing is.
    """
    return _loaded().status()


def _predictor() -> Predictor | None:
    try:
        return bentoml.get_current_service().predictor
    except BentoMLException:
        return None


def _loaded() -> Predictor:
    predictor = _predictor()
    if predictor is None or predictor.loaded is None:
        raise not_ready(predictor.refusal if predictor else STARTING)
    return predictor


class QuestionMiddleware:
    """ASGI middleware next to BentoML's routes: reads the question, and closes BentoML's own pages."""

    def __init__(self, app: ASGIApp, service: Any, route: str, question: type[Question]) -> None:
        self.app = app
        self.service = service
        self.route = route
        self.question = question

    @cached_property
    def docs(self) -> dict[str, Any]:
        """What the service can be asked, as OpenAPI."""
        return described(self.service, self.question)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        page = (scope["path"], "GET" if scope["method"] == "HEAD" else scope["method"])
        if page == ("/", "GET"):
            await HTMLResponse(FRONT)(scope, receive, send)
        elif page == ("/docs.json", "GET"):
            await JSONResponse(self.docs)(scope, receive, send)
        elif page == (self.route, "POST"):
            await self._ask(scope, receive, send)
        elif scope["path"] in (self.route, *_BEHIND):
            await self.app(scope, receive, send)
        else:
            raise retold(404)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        _loaded()
        question = await self.question.read(Request(scope, receive))
        scope["state"] = {**scope.get("state", {}), "question": question}
        await self.app(scope, _nothing_more(receive), send)


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
