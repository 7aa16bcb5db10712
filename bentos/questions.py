"""Questions: typed requests that are read once, within bounds, before BentoML hands them to a worker thread."""

from typing import Any, ClassVar, Self

import bentoml
from pydantic import ConfigDict
from starlette.requests import Request

from web.bodies import FORM, JSON, expect, one_file, read_json


class Question(bentoml.IODescriptor):
    """A JSON request with known fields only.

    BentoML would read a body without a bound, take any media type for JSON, fetch addresses that it finds in forms and
    log each bad input with a trace. So the middleware reads the question, and BentoML is given the finished object.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    reads: ClassVar[str] = JSON

    @classmethod
    async def read(cls, request: Request) -> Self:
        """The question in a body.

        Raises:
            Problem: 415, 413, or 422 with a remedy for each field.
        """
        expect(request.headers, cls.reads)
        return await read_json(cls, request.stream())

    @classmethod
    async def from_http_request(cls, request: Any, serde: Any) -> Self:
        """The question that was read before."""
        return request.state.question

    @classmethod
    def openapi_components(cls, name: str) -> dict[str, Any]:
        """Nothing: BentoML cannot describe every schema, so the body is described by `docs.described`."""
        return {}


class Upload(Question):
    """A multipart form with one file."""

    reads: ClassVar[str] = FORM
    media_type: ClassVar[str | None] = FORM

    @classmethod
    async def read(cls, request: Request) -> Self:
        """The file in a form.

        Raises:
            Problem: 415, 413, or 422 with a remedy.
        """
        expect(request.headers, cls.reads)
        return cls.model_construct(file=await one_file(request.headers, request.stream(), "file"))
