"""Read an HTTP body within a bound: by length or in chunks, packed or plain, form or bytes."""

import zlib
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from typing import Protocol

from features.engine.refusals import refused

_UNKNOWN_COMPRESSION = 89
_BAD_REQUEST = 27
_PACKINGS = ("gzip", "lz4", "zstd")


class Readable(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes."""

    def readline(self, size: int, /) -> bytes:
        """A line, at most so long."""


class TooLarge(Exception):  # not a features error: it never leaves this process
    """More bytes were sent than one statement may have."""


@dataclass(frozen=True)
class Form:
    """What was sent as a form: fields, and files under the names of their fields."""

    fields: dict[str, str]
    files: dict[str, bytes]


def read_body(stream: Readable, headers: Message, limit: int) -> bytes:
    """The whole body.

    Raises:
        TooLarge: It has more than `limit` bytes.
    """
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        return _chunked(stream, limit)
    length = _size(headers.get("Content-Length") or "0", 10)
    if length > limit:
        raise TooLarge(f"A statement of {length} bytes is over the limit of {limit}")
    return stream.read(length) if length else b""


def _chunked(stream: Readable, limit: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while size := _size(stream.readline(64).split(b";")[0].decode("latin-1") or "0", 16):
        total += size
        if total > limit:
            raise TooLarge(f"A statement of over {limit} bytes; send it in parts")
        parts.append(stream.read(size))
        stream.readline(8)
    while stream.readline(8192).strip():
        pass  # trailers
    return b"".join(parts)


def _size(text: str, base: int) -> int:
    """A count of bytes as HTTP writes it: digits alone, since one below nothing would mean all there is."""
    text = text.strip()
    if not text or set(text.lower()) - set("0123456789abcdef"[:base]):
        raise refused(_BAD_REQUEST, f"{text[:20]!r} is no length of a body")
    return int(text, base)


def decoded(body: bytes, encoding: str | None, limit: int) -> bytes:
    """The body unpacked: gzip, deflate, lz4, zstd, or as it is.

    Raises:
        TooLarge: It unpacks to more than `limit` bytes.
    """
    if not encoding or encoding == "identity":
        return body
    unpacked = _unpacked(body, encoding, limit + 1)
    if len(unpacked) > limit:
        raise TooLarge(f"A statement that unpacks to more than {limit} bytes; send it in parts")
    return unpacked


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """So many bytes of what is packed, at most."""
    if encoding == "deflate":
        return zlib.decompressobj().decompress(body, most)
    if encoding not in _PACKINGS:
        raise refused(_UNKNOWN_COMPRESSION, f"Unknown compression {encoding}")
    import pyarrow as pa

    try:
        return bytes(pa.CompressedInputStream(pa.BufferReader(body), encoding).read(most))
    except (OSError, pa.ArrowException) as exc:
        raise refused(_BAD_REQUEST, f"The body is not {encoding}: {str(exc).splitlines()[0]}") from None


def read_form(body: bytes, content_type: str) -> Form | None:
    """The parts of a multipart form, None where the body is a statement.

    Raises:
        Refused: It says that it is a form and has no boundary.
    """
    if not content_type.startswith("multipart/form-data"):
        return None
    boundary = _headers(f"Content-Type: {content_type}").get_boundary()
    if not boundary:
        raise refused(_BAD_REQUEST, "A form without a boundary between its parts")
    form = Form({}, {})
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = _headers(head.decode("utf-8", "replace"))
        name = str(headers.get_param("name", "", "content-disposition"))
        if headers.get_filename() is None:
            form.fields[name] = data.decode("utf-8", "surrogateescape")
        else:
            form.files[name] = data
    return form


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)
