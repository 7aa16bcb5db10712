"""Calls each endpoint as an app would, and times it."""

import json
import time
import uuid
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from agro.errors import DemoFailed

TIMED_REQUESTS = 200


def multipart(image: Path) -> tuple[bytes, str]:
    """A photograph as a form upload: body and content type."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{image.name}"\r\n'
    head += f"Content-Type: image/{'png' if image.suffix == '.png' else 'jpeg'}\r\n\r\n"
    body = head.encode() + image.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def call(url: str, bodies: list[tuple[bytes, str]]) -> dict[str, Any]:
    """Ask one request after another on one connection and give the first answer and the latency.

    Args:
        url: The endpoint.
        bodies: Body and content type of each request; the first few also warm it up, untimed.
    """
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=30)
    answers = [_timed(connection, where.path, *body) for body in bodies[:1] + bodies[:5] + bodies]
    connection.close()
    took = [took_ms for took_ms, _ in answers[6:]]
    p50, p95 = np.percentile(took, [50, 95])
    return {
        "endpoint": url,
        "answer": json.loads(answers[0][1]),
        "requests": len(took),
        "latency_ms": {"p50": round(float(p50), 2), "p95": round(float(p95), 2)},
    }


def _timed(connection: HTTPConnection, path: str, body: bytes, content_type: str) -> tuple[float, bytes]:
    """Milliseconds one request took, from sending to the last byte, and its answer.

    On the bare connection: a client that does more adds half a millisecond of its own to each.
    """
    started = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": content_type})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        where = f"http://{connection.host}:{connection.port}{path}"
        raise DemoFailed(f"{where} answered {answer.status}: {text.decode(errors='replace')[:300]}")
    return (time.perf_counter() - started) * 1000, text
