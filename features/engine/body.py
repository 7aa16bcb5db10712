"""Read an HTTP body within a bound: by length or in chunks, packed or plain, form or bytes."""

import gzip
import zlib
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Protocol

from features.engine.database import refused

_UNKNOWN_COMPRESSION = 89


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
    """Fields sent as a form."""

    fields: dict[str, str]


def read_body(stream: Readable, headers: Message, limit: int) -> bytes:
    """The whole body.

    Raises:
        TooLarge: It has more than `limit` bytes.
    """
    if "chunked" in headers.get("Transfer-Encoding", "").lower():
        return _chunked(stream, limit)
    length = int(headers.get("Content-Length") or 0)
    if length > limit:
        raise TooLarge(f"A statement of {length} bytes is over the limit of {limit}")
    return stream.read(length) if length else b""


def _chunked(stream: Readable, limit: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while size := int(stream.readline(64).split(b";")[0].strip() or b"0", 16):
        total += size
        if total > limit:
            raise TooLarge(f"A statement of over {limit} bytes; send it in parts")
        parts.append(stream.read(size))
        stream.readline(8)
    while stream.readline(8192).strip():
        pass  # trailers
    return b"".join(parts)


def decoded(body: bytes, encoding: str | None) -> bytes:
    """The body unpacked: gzip, deflate, lz4, zstd where it is installed, or as it is."""
    if not encoding or encoding == "identity":
        return body
    if encoding == "lz4":
        import lz4.frame

        return bytes(lz4.frame.decompress(body))
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    if encoding == "zstd":
        import pyarrow as pa

        return bytes(pa.CompressedInputStream(pa.BufferReader(body), "zstd").read())
    raise refused(_UNKNOWN_COMPRESSION, f"Unknown compression {encoding}")


def form_fields(body: bytes, content_type: str) -> Form | None:
    """Fields of a multipart form, None where the body is a statement."""
    if not content_type.startswith("multipart/form-data"):
        return None
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        fields[str(name)] = str(part.get_content())
    return Form(fields)
