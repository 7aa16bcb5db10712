"""FastAPI services that keep our manners: what a Bento refuses, they refuse in the same words."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from web.bodies import FORM, JSON, expect, one_file, read_json
from web.middleware import Ready, ServiceMiddleware
from web.openapi import add_body, with_problems
from web.problems import FieldError, Problem, invalid, retold
from web.remedies import path, words
from web.settings import HttpSettings


def service(title: str, settings: HttpSettings, ready: Ready, **options: Any) -> FastAPI:
    """A FastAPI application in the middleware of every service; `/docs.json` describes it.

    Routes take their bodies by `JsonBody` and `Upload`, which read as the Bentos do.

    Args:
        title: Its name for people.
        settings: Its names and bounds.
        ready: Whether it can answer.
        options: What else FastAPI is told.

    >>> async def ready():
    ...     return {"ready": True}
    >>> app = service("orders", HttpSettings(), ready)
    >>> [route.path for route in app.routes]
    ['/docs.json']
    """
    ours = {"openapi_url": "/docs.json", "docs_url": None, "redoc_url": None, "redirect_slashes": False}
    app = FastAPI(title=title, **ours, **options)
    app.add_middleware(ServiceMiddleware, settings=settings, ready=ready, uncounted=("/docs.json",))
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(HTTPException, _retell)
    app.openapi = lambda: _described(app, settings)
    return app


class JsonBody:
    """A dependency that reads a JSON body: `order: Annotated[Order, Depends(JsonBody(Order))]`."""

    reads = JSON

    def __init__(self, asked: type[BaseModel]) -> None:
        self.asked = asked

    async def __call__(self, request: Request) -> Any:
        """The request in the body."""
        expect(request.headers, self.reads)
        return await read_json(self.asked, request.stream())


class Upload(JsonBody):
    """A dependency that reads the one file of a form, `file` of what is asked; its bytes stay in memory."""

    reads = FORM

    async def __call__(self, request: Request) -> Any:
        """The file in the form."""
        expect(request.headers, self.reads)
        return self.asked.model_construct(file=await one_file(request.headers, request.stream(), "file"))


async def _refuse(request: Request, exc: Exception) -> Any:
    """FastAPI's findings in paths, queries and headers."""
    errors = exc.errors() if isinstance(exc, RequestValidationError) else []
    raise invalid(*(FieldError(path(found["loc"][1:]), words(found)) for found in errors)) from exc


async def _retell(request: Request, exc: Exception) -> Any:
    """An error that a handler raised in FastAPI's form: its own words, where it has any."""
    if isinstance(exc.__cause__, Problem):  # FastAPI makes a 400 of what goes wrong while it reads
        raise exc.__cause__
    assert isinstance(exc, HTTPException)  # noqa: S101
    problem = retold(exc.status_code)
    if exc.status_code < 500 and exc.detail and exc.detail != problem.document("")["title"]:
        problem = Problem(problem.status, problem.slug, str(exc.detail), problem.errors)
    problem.headers = {**problem.headers, **(exc.headers or {})}
    raise problem


def _described(app: FastAPI, settings: HttpSettings) -> dict[str, Any]:
    if not app.openapi_schema:
        spec = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for operation, read in _bodies(app, spec):
            add_body(spec, operation, read.asked, read.reads)
        for ours in ("HTTPValidationError", "ValidationError"):
            spec.get("components", {}).get("schemas", {}).pop(ours, None)
        app.openapi_schema = with_problems(spec, settings)
    return app.openapi_schema


def _bodies(app: FastAPI, spec: dict[str, Any]) -> Iterator[tuple[dict[str, Any], JsonBody]]:
    """Every operation that reads a body, and how."""
    for route in (one for one in app.routes if isinstance(one, APIRoute)):
        read = [one.call for one in route.dependant.dependencies if isinstance(one.call, JsonBody)]
        for method in route.methods if read and route.include_in_schema else ():
            yield spec["paths"][route.path_format][method.lower()], read[0]
