"""The same two questions asked of a Bento and of a FastAPI service, each in its own framework and our middleware."""

import time
from contextlib import contextmanager
from typing import Annotated

import bentoml
from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient

from bentos import endpoint as endpoints
from bentos.endpoint import endpoint
from bentos.questions import Question
from bentos.questions import Upload as BentoUpload
from bentos.settings import ServingSettings
from web.apps import JsonBody, Upload, service
from web.problems import not_ready

ASK, PHOTO = "/ask", "/photo"
FRAMEWORKS = ("bento", "fastapi")


class Ask(BaseModel):
    """How many, and of which kind."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    n: int = Field(ge=1, le=100, description="number of crates, 1 to 100")
    kg: float = Field(1.0, gt=0, description="weight of a crate in kg")
    kind: str = Field("apple", min_length=1, max_length=20, description="name of the fruit")


class Photo(BaseModel):
    """A file."""

    file: bytes


class Answer(BaseModel):
    """What is said."""

    n: int = Field(0, description="number of crates")
    bytes: int = Field(0, description="length of the file in bytes")


class BentoAsk(Question, Ask):
    """Ask, as BentoML takes it."""


class BentoPhoto(BentoUpload, Photo):
    """A file, as BentoML takes it."""


def said(n: int) -> dict:
    """The answer; one crate breaks the scales, two take too long."""
    if n == 1:
        raise RuntimeError("the secret is swordfish")
    if n == 2:
        time.sleep(0.6)
    return {"n": n}


class Held:
    """Stands for a predictor: whether a model is loaded is the test's to say."""

    refusal = "digest differs"
    loaded: object | None = object()
    given = True

    def __init__(self, model: str = "crates") -> None:
        self.model = model

    def status(self) -> dict:
        return {"ready": True, "model": self.model, "model_version": "3", "digest": "d"}


@endpoint({ASK: BentoAsk})
@bentoml.service(name="crates", workers=1, threads=2, metrics={"enabled": False})
class Crates:
    def __init__(self) -> None:
        self.predictors = {ASK: Held()}

    @bentoml.api(route=ASK, output_spec=Answer)
    def ask(self, ask: BentoAsk, /) -> Response:
        return JSONResponse(said(ask.n))


@endpoint({PHOTO: BentoPhoto})
@bentoml.service(name="photos", workers=1, threads=2, metrics={"enabled": False})
class Photos:
    def __init__(self) -> None:
        self.predictors = {PHOTO: Held()}

    @bentoml.api(route=PHOTO, output_spec=Answer)
    def photo(self, photo: BentoPhoto, /) -> Response:
        return JSONResponse({"bytes": len(photo.file)})


def fastapi_service(held: Held, settings: ServingSettings):
    """Both routes in FastAPI."""

    async def ready() -> dict:
        if held.loaded is None:
            raise not_ready(held.refusal)
        return held.status()

    app = service("crates", settings, ready)

    @app.post(ASK)
    def ask(ask: Annotated[Ask, Depends(JsonBody(Ask))]) -> Answer:
        return Answer(**said(ask.n))

    @app.post(PHOTO)
    async def photo(photo: Annotated[Photo, Depends(Upload(Photo))]) -> Answer:
        return Answer(bytes=len(photo.file))

    return app


@contextmanager
def client(framework: str, route: str, monkeypatch, held: Held | None = None, **settings):
    """A client of one of the two services."""
    held, known = held or Held(), ServingSettings(**settings)
    if framework == "fastapi":
        app = fastapi_service(held, known)
    else:
        monkeypatch.setattr(endpoints, "ServingSettings", lambda: known)
        monkeypatch.setattr(endpoints, "_predictors", lambda: dict.fromkeys((ASK, PHOTO), held))
        app = (Crates if route == ASK else Photos).to_asgi()
    with TestClient(app, "http://127.0.0.1", raise_server_exceptions=False) as one:
        yield one
