"""Bodies read within bounds: whatever Content-Length says, never more than the limit is kept in memory."""

from collections.abc import AsyncGenerator
from typing import Any, cast

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from web.problems import FieldError, invalid, too_large


class Disconnected(Exception):
    """The caller hung up before the body ended; nobody waits for an answer."""


async def bounded(headers: Headers, receive: Receive, limit: int) -> AsyncGenerator[bytes, None]:
    """The body's chunks, of at most `limit` bytes in all, whether a length was declared or not.

    Raises:
        Problem: 413 as soon as the declared length or the bytes that came exceed the limit.
        Disconnected: The caller hung up.
    """
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    read, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk, more = message.get("body", b""), message.get("more_body", False)
        read += len(chunk)
        if read > limit:
            raise too_large(limit)
        yield chunk


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
        raise invalid(FieldError(name, "attach the photograph as a file under this name"))
    if not isinstance(form[name], UploadFile):
        raise invalid(FieldError(name, "send it as a file (with a filename), not as text"))
    content = await cast(UploadFile, form[name]).read()
    await form.close()
    if not content:
        raise invalid(FieldError(name, "the file is empty; attach the photograph itself"))
    return content
