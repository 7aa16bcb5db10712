"""A Bento's endpoint: what every service of ours wears, around what BentoML would do otherwise."""

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import bentoml
from bentoml.exceptions import BentoMLException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bentos.docs import FRONT, described
from bentos.metrics import MetricsMiddleware
from bentos.predictor import LOGGED, Predictor
from bentos.questions import Question
from bentos.settings import ServingSettings
from web.middleware import ServiceMiddleware
from web.problems import STARTING, not_ready, retold

_SWAGGER = ("/static_content/swagger-ui.css", "/static_content/swagger-ui-bundle.js")
_UNCOUNTED = ("/", "/docs.json", "/livez", "/metrics", *_SWAGGER)
_BEHIND = ("/livez", "/metrics", *_SWAGGER)
"""What BentoML answers besides the question; its other pages are closed."""


Questions = Mapping[str, type[Question]]
"""What each route of a service is asked."""


def endpoint(questions: Questions) -> Callable[[Any], Any]:
    """Decorate a BentoML service: its routes are asked their questions, and nothing else of BentoML's is open.

    The service has `predictors`, by route: one for each model that it answers with.
    """

    def decorate(service: Any) -> Any:
        service.add_asgi_middleware(dressed, service=service, questions=questions)
        return service

    return decorate


def dressed(app: ASGIApp, service: Any, questions: Questions) -> MetricsMiddleware:
    """BentoML's application behind the middleware of every service, its questions counted."""
    log = logging.getLogger("bentoml.agrologistic")  # BentoML's own handler prints what is under its name
    asking = QuestionMiddleware(app, service, questions)
    served = ServiceMiddleware(asking, ServingSettings(), ready, _UNCOUNTED, log)

    def counts(scope: Scope) -> bool:
        return scope["method"] == "POST" and scope["path"] in questions and not _is_a_check(scope)

    return MetricsMiddleware(served, counts, _labels)


async def ready() -> dict[str, Any]:
    """What is loaded: every model that was given under its name, and the first one in the words of its own status.

    Raises:
        Problem: 503 with the reason why one is not.
    """
    statuses = [_loaded(predictor).status() for predictor in _predictors().values() if predictor.given]
    if not statuses:
        raise not_ready(STARTING)
    models = {said["model"]: {name: said[name] for name in ("model_version", "digest")} for said in statuses}
    return {**statuses[0], "models": models}


def _predictors() -> Mapping[str, Predictor]:
    """The service's, by route; none while it is starting."""
    try:
        return bentoml.get_current_service().predictors
    except BentoMLException:
        return {}


def _labels(path: str) -> dict[str, str]:
    """What answers behind a route, for whoever counts; without a version where no model is loaded."""
    predictor = _predictors().get(path)
    said = predictor.status() if predictor else {}
    return {"model": said.get("model", ""), "version": said.get("model_version", ""), "arm": said.get("arm", "")}


def _loaded(predictor: Predictor | None) -> Predictor:
    if predictor is None or predictor.loaded is None:
        raise not_ready(predictor.refusal if predictor else STARTING)
    return predictor


class QuestionMiddleware:
    """ASGI middleware next to BentoML's routes: reads the question, and closes BentoML's own pages."""

    def __init__(self, app: ASGIApp, service: Any, questions: Questions) -> None:
        self.app = app
        self.service = service
        self.questions = questions

    @cached_property
    def docs(self) -> dict[str, Any]:
        """What the service can be asked, as OpenAPI."""
        return described(self.service, self.questions, ServingSettings())

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
        elif page[1] == "POST" and page[0] in self.questions:
            await self._ask(scope, receive, send)
        elif scope["path"] in (*self.questions, *_BEHIND):
            await self.app(scope, receive, send)
        else:
            raise retold(404)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        _loaded(_predictors().get(scope["path"]))
        LOGGED.set(not _is_a_check(scope))
        question = await self.questions[scope["path"]].read(Request(scope, receive))
        scope["state"] = {**scope.get("state", {}), "question": question}
        await self.app(scope, _nothing_more(receive), send)


def _is_a_check(scope: Scope) -> bool:
    """Whether it was asked on the process's own socket, which only those who check it reach."""
    _, port = scope.get("server") or ("", 0)
    return port is None


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
