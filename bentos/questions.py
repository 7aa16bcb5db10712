"""Questions: typed requests that are read once, within bounds, before BentoML hands them to a worker thread."""

from collections.abc import AsyncGenerator
from typing import Any, ClassVar, Self

import bentoml
from pydantic import ConfigDict, ValidationError
from starlette.datastructures import Headers

from bentos.settings import ServingSettings
from web.bodies import one_file
from web.problems import invalid
from web.remedies import field_errors


class Question(bentoml.IODescriptor):
    """A JSON request with known fields only.

    BentoML would read a body without a bound, take any media type for JSON, fetch addresses that it finds in forms and
    log each bad input with a trace. So the door reads the question, and BentoML is given the finished object.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    reads: ClassVar[str] = "application/json"

    @classmethod
    def limit(cls, settings: ServingSettings) -> int:
        """The most bytes that the body may have."""
        return settings.max_body_bytes

    @classmethod
    async def read(cls, headers: Headers, stream: AsyncGenerator[bytes, None]) -> Self:
        """The question in a body.

        Raises:
            Problem: 422 with a remedy for each field.
        """
        body = b"".join([chunk async for chunk in stream])
        try:
            return cls.model_validate_json(body)
        except ValidationError as exc:
            raise invalid(*field_errors(exc, cls)) from exc

    @classmethod
    async def from_http_request(cls, request: Any, serde: Any) -> Self:
        """The question that the door has read."""
        return request.state.question


class Upload(Question):
    """A multipart form with one file."""

    reads: ClassVar[str] = "multipart/form-data"
    media_type: ClassVar[str | None] = "multipart/form-data"

    @classmethod
    def limit(cls, settings: ServingSettings) -> int:
        """The most bytes that the form may have."""
        return settings.max_upload_bytes

    @classmethod
    async def read(cls, headers: Headers, stream: AsyncGenerator[bytes, None]) -> Self:
        """The file in a form.

        Raises:
            Problem: 422 with a remedy.
        """
        return cls.model_construct(file=await one_file(headers, stream, "file"))
