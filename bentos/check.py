"""The check of a built Bento: it is started, asked the golden requests, and must answer as the model did."""

import base64
import json
import math
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bentos import command
from bentos.bento import Bento
from bentos.errors import BentoUnready
from bentos.manifest import GOLDEN
from bentos.settings import ServingSettings
from models.families import registered
from web.client import client

RELATIVE = 1e-5
ABSOLUTE = 1e-8
"""Floats that differ by less than both are equal: another process may sum in another order."""


@dataclass(frozen=True)
class CheckReport:
    """What the check found."""

    tag: str
    passed: bool
    asked: int
    differences: list[str]
    ready_s: float
    latency_ms: list[float]

    def to_json(self) -> dict[str, Any]:
        """The report as a document."""
        return asdict(self)


def check(bento: Bento, settings: ServingSettings | None = None) -> CheckReport:
    """Start a Bento on a free port, replay its golden requests, compare, stop it.

    Raises:
        BentoUnready: It ended or did not become ready; the message says why.
    """
    settings = settings or ServingSettings()
    golden = json.loads((bento.source / GOLDEN).read_text())
    port, started = _free_port(settings.host), time.perf_counter()
    base = f"http://{settings.host}:{port}"
    with _running(bento, port, settings) as (process, log_path):
        _wait_until_ready(base, process, log_path, settings.start_timeout_s)
        ready_s = time.perf_counter() - started
        found, latency_ms = _replay(base + registered(bento.model).route, golden, settings.request_timeout_s)
    return CheckReport(bento.tag, not found, len(golden), found, round(ready_s, 3), latency_ms)


def differences(wanted: Any, came: Any, at: str = "") -> list[str]:
    """Where two documents differ; keys that only `came` has are its own business.

    >>> differences({"a": [1.0, 2]}, {"a": [1.0000001, 3], "id": "x"})
    ['a.1: 3 instead of 2']
    """
    if isinstance(wanted, dict) and isinstance(came, dict):
        missing = [f"{at}{key}: missing" for key in wanted if key not in came]
        pairs = [(wanted[key], came[key], key) for key in wanted if key in came]
    elif isinstance(wanted, list) and isinstance(came, list):
        missing = [] if len(wanted) == len(came) else [f"{at}length: {len(came)} instead of {len(wanted)}"]
        pairs = [(*both, str(i)) for i, both in enumerate(zip(wanted, came, strict=False))]
    else:
        return [] if _equal(wanted, came) else [f"{at.rstrip('.')}: {came!r} instead of {wanted!r}"]
    return missing + [line for ours, theirs, key in pairs for line in differences(ours, theirs, f"{at}{key}.")]


def _equal(wanted: Any, came: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (wanted, came))
    if numbers:
        return math.isclose(wanted, came, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(wanted == came)


def _free_port(host: str) -> int:
    """A port below those that outgoing connections are given, so that it is still free when the Bento listens."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) != 0:
                return port


@contextmanager
def _running(bento: Bento, port: int, settings: ServingSettings) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    environment = command.inherited(bento, settings) | {"AGRO_SERVING_LOG_PREDICTIONS": "false"}
    with TemporaryDirectory(prefix="agro-check-") as scratch, (log_path := Path(scratch) / "log").open("wb") as output:
        process = subprocess.Popen(
            command.command(port, settings), env=environment, cwd=bento.source, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process, log_path
        finally:
            _stop(process, settings.stop_timeout_s + 5)


def _stop(process: subprocess.Popen[bytes], patience_s: float) -> None:
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(base: str, process: subprocess.Popen[bytes], log_path: Path, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BentoUnready(f"the Bento ended with code {process.returncode}: {_tail(log_path)}")
        status, body = _call("GET", f"{base}/readyz", timeout=5)
        if status == 200:
            return
        if status == 503 and body.get("type", "").endswith(":not-ready"):
            raise BentoUnready(f"the Bento is not ready: {body['detail']}")
        time.sleep(0.1)
    raise BentoUnready(f"the Bento was not ready after {patience_s:g} s: {_tail(log_path)}")


def _tail(log_path: Path) -> str:
    return log_path.read_text(errors="replace")[-600:].strip()


def _replay(url: str, golden: list[dict[str, Any]], timeout_s: float) -> tuple[list[str], list[float]]:
    found: list[str] = []
    latency_ms: list[float] = []
    for number, pair in enumerate(golden):
        body = _encode(pair["request"])
        began = time.perf_counter()
        status, answer = _call("POST", url, **body, timeout=timeout_s)
        latency_ms.append(round((time.perf_counter() - began) * 1000, 3))
        told = [f"status: {status} instead of 200 ({answer.get('detail')})"] if status != 200 else []
        found += [f"request {number}: {line}" for line in told or differences(pair["answer"], answer)]
    return found, latency_ms


def _encode(request: dict[str, Any]) -> dict[str, Any]:
    """A golden request as the client's arguments: JSON, or a form where it holds a photograph in base64."""
    if "image_base64" not in request:
        return {"json": request}
    return {"files": {"file": ("golden", base64.b64decode(request["image_base64"]))}}


def _call(method: str, url: str, **sent: Any) -> tuple[int, dict[str, Any]]:
    """Status and document of an answer; status 0 where nothing answers."""
    from httpx import HTTPError

    try:
        answer = client().request(method, url, **sent)
    except HTTPError as exc:
        return 0, {"detail": str(exc)}
    try:
        document = answer.json()
    except ValueError:
        document = None
    return answer.status_code, document if isinstance(document, dict) else {"detail": answer.text[:200]}
