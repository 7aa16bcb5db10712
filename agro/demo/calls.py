"""Calls each endpoint as an app would, and times it."""

import json
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

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


def post(url: str, body: bytes, content_type: str = "application/json") -> dict[str, Any]:
    """The answer of an endpoint.

    Raises:
        DemoFailed: It answered with an error.
    """
    request = urllib.request.Request(url, body, {"Content-Type": content_type}, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as exc:
        raise DemoFailed(f"{url} answered {exc.code}: {exc.read().decode(errors='replace')[:300]}") from exc


def call(url: str, bodies: list[tuple[bytes, str]]) -> dict[str, Any]:
    """Ask one request after another on one connection and give the first answer and the latency.

    Args:
        url: The endpoint.
        bodies: Body and content type of each request; the first few also warm it up, untimed.
    """
    import http.client
    from urllib.parse import urlsplit

    where = urlsplit(url)
    first = post(url, *bodies[0])
    connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=30)
    took = [_timed(connection, where.path, *body) for body in bodies[:5] + bodies][5:]
    connection.close()
    p50, p95 = np.percentile(took, [50, 95])
    return {
        "endpoint": url,
        "answer": first,
        "requests": len(took),
        "latency_ms": {"p50": round(float(p50), 2), "p95": round(float(p95), 2)},
    }


def _timed(connection: Any, path: str, body: bytes, content_type: str) -> float:
    """Milliseconds one request took, from sending to the last byte."""
    started = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": content_type})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise DemoFailed(f"{path} answered {answer.status}: {text.decode(errors='replace')[:300]}")
    return (time.perf_counter() - started) * 1000
