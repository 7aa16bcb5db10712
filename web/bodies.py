"""Bodies read within bounds: whatever Content-Length says, never more than the limit is kept in memory."""

from collections.abc import AsyncGenerator
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Message, Receive

from web.problems import FieldError, invalid, too_large, wrong_media_type
from web.remedies import field_errors

JSON = "application/json"
FORM = "multipart/form-data"
Asked = TypeVar("Asked", bound=BaseModel)


def bounded(headers: Headers, receive: Receive, limit: int) -> Receive:
    """`receive`, which gives at most `limit` bytes of the body in all, whether a length was declared or not.

    It raises a `Problem`, 413, before a byte is read where the declared length is over the limit, else as soon as the
    bytes that came are.
    """
    declared, read = headers.get("content-length", ""), 0

    async def within() -> Message:
        nonlocal read
        if declared.isdigit() and int(declared) > limit:
            raise too_large(limit)
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise too_large(limit)
        return message

    return within


def expect(headers: Headers, wanted: str) -> None:
    """Refuse a body of another kind before it is read.

    Raises:
        Problem: 415, which names the kind that is read.
    """
    came = headers.get("content-type", "")
    if came.split(";")[0].strip().lower() != wanted:
        raise wrong_media_type(came, wanted)
    if (encoding := headers.get("content-encoding", "identity")) != "identity":
        raise wrong_media_type(f"{came} encoded as {encoding}", f"{wanted} without Content-Encoding")


async def read_json(asked: type[Asked], stream: AsyncGenerator[bytes, None]) -> Asked:
    """The request in a body.

    Args:
        asked: What the route is asked.
        stream: The body's chunks.

    Raises:
        Problem: 422 with a remedy for each field.
    """
    body = b"".join([chunk async for chunk in stream])
    try:
        return asked.model_validate_json(body)
    except ValidationError as exc:
        raise invalid(*field_errors(exc, asked)) from exc


class _InMemory(MultiPartParser):
    """Starlette's parser, which never spills to disk here: the stream is bounded already."""

    spool_max_size = 1 << 40
    complete = False

    def on_end(self) -> None:
        self.complete = True


async def one_file(headers: Headers, stream: AsyncGenerator[bytes, None], name: str) -> bytes:
    """The bytes of the one file in a multipart form.

    Raises:
        Problem: 422 where the form is broken or holds anything but one file of that name.
    """
    parser = _InMemory(headers, stream, max_files=1, max_fields=4, max_part_size=4096)
    try:
        form = await parser.parse()
    except MultiPartException as exc:
        raise invalid(FieldError("body", f"send a multipart/form-data body with one file ({exc.message})")) from exc
    if not parser.complete:
        raise invalid(FieldError("body", "the form ends in the middle; send its closing boundary"))
    return await _the_file(form, name)


async def _the_file(form: Any, name: str) -> bytes:
    unknown = [FieldError(str(key)[:200], f"remove it; the only field is {name}") for key in form if key != name]
    if unknown:
        raise invalid(*unknown)
    if name not in form:
        raise invalid(FieldError(name, "attach a file under this name"))
    if not isinstance(form[name], UploadFile):
        raise invalid(FieldError(name, "send it as a file (with a filename), not as text"))
    content = await cast(UploadFile, form[name]).read()
    await form.close()
    if not content:
        raise invalid(FieldError(name, "the file is empty; attach one that holds something"))
    return content
