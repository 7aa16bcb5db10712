"""The check of a built Bento: it is started, asked the golden requests, and must answer as the model did."""

import base64
import math
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bentos import command, readiness
from bentos.bento import Bento
from bentos.errors import BentoUnready
from bentos.places import Place
from bentos.settings import ServingSettings
from models.families import registered
from web.client import client_of

if TYPE_CHECKING:
    from httpx import Client

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

    def summary(self) -> str:
        """The report in a line."""
        longest = f", {max(self.latency_ms):.0f} ms at most" if self.latency_ms else ""
        return f"{self.asked} golden requests answered as the model does{longest}; ready after {self.ready_s:.1f} s"

    def to_json(self) -> dict[str, Any]:
        """The report as a document."""
        return asdict(self)


def check(bento: Bento, settings: ServingSettings | None = None) -> CheckReport:
    """Start a Bento where nobody else reaches it, replay its golden requests, compare, stop it.

    Raises:
        BentoUnready: It ended or did not become ready; the message says why.
    """
    settings, started = settings or ServingSettings(), time.perf_counter()
    with _running(bento, settings) as (process, socket, log):
        _wait_until_ready(socket, process, log, settings.start_timeout_s)
        return replay(bento, socket, settings, time.perf_counter() - started)


def replay(bento: Bento, socket: Path, settings: ServingSettings, ready_s: float) -> CheckReport:
    """Ask the process that answers on a socket a Bento's golden requests, and compare.

    Args:
        bento: What it serves.
        socket: Where it answers; what is asked there is not logged as a prediction.
        settings: The host's.
        ready_s: What it took to get ready, for the report.
    """
    golden = bento.golden()
    with client_of(socket) as asking:
        asking.timeout = settings.request_timeout_s
        found, latency_ms = _replayed(asking, registered(bento.model).route, golden)
    return CheckReport(bento.tag, not found, len(golden), found, round(ready_s, 3), latency_ms)


def ask(asking: "Client", route: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and document of the answer to a golden or a logged request; status 0 where none came."""
    return _ask(asking, route, _encode(request))


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


@contextmanager
def _running(bento: Bento, settings: ServingSettings) -> Iterator[tuple[subprocess.Popen[bytes], Path, Path]]:
    """The Bento's process, its socket, and its log."""
    with TemporaryDirectory(prefix="agro-check-") as scratch, (Path(scratch) / "log").open("wb") as output:
        place = Place(Path(scratch), registered(bento.model).service.name)
        told = command.command(settings.port(bento.model), settings, place, place.program(1))
        known = command.inherited(bento, settings)
        process = subprocess.Popen(told, env=known, cwd=bento.source, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process, place.socket(place.program(1)), Path(scratch) / "log"
        finally:
            _stop(process, settings.stop_timeout_s + 5)


def _stop(process: subprocess.Popen[bytes], patience_s: float) -> None:
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(socket: Path, process: subprocess.Popen[bytes], log: Path, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BentoUnready(f"the Bento ended with code {process.returncode}: {_tail(log)}")
        said = readiness.at_socket(socket)
        if said.get("ready"):
            return
        if reason := readiness.refusal(said):
            raise BentoUnready(f"the Bento is not ready: {reason}")
        time.sleep(0.05)
    raise BentoUnready(f"the Bento was not ready after {patience_s:g} s: {_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-600:].strip()


def _replayed(asking: "Client", route: str, golden: list[dict[str, Any]]) -> tuple[list[str], list[float]]:
    found: list[str] = []
    latency_ms: list[float] = []
    for number, pair in enumerate(golden):
        body = _encode(pair["request"])
        began = time.perf_counter()
        status, answer = _ask(asking, route, body)
        latency_ms.append(round((time.perf_counter() - began) * 1000, 3))
        told = [f"status: {status} instead of 200 ({answer.get('detail')})"] if status != 200 else []
        found += [f"request {number}: {line}" for line in told or differences(pair["answer"], answer)]
    return found, latency_ms


def _encode(request: dict[str, Any]) -> dict[str, Any]:
    """A golden request as the client's arguments: JSON, or a form where it holds a photograph in base64."""
    if "image_base64" not in request:
        return {"json": request}
    return {"files": {"file": ("golden", base64.b64decode(request["image_base64"]))}}


def _ask(asking: "Client", route: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and document of an answer; status 0 where none came."""
    from httpx import HTTPError

    try:
        answer = asking.post(route, **body)
    except HTTPError as exc:
        return 0, {"detail": str(exc)}
    try:
        document = answer.json()
    except ValueError:
        document = None
    return answer.status_code, document if isinstance(document, dict) else {"detail": answer.text[:200]}
