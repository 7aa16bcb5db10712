"""Puts a built Bento in the place of the one that serves, under the local platform's supervisor."""

import time
from datetime import datetime
from urllib.parse import urlsplit

from bentos import command, deployed, processes, supervised
from bentos.bento import Bento, find
from bentos.deployed import Deployed
from bentos.errors import BentoNotFound, BentoRefused, BentoUnready
from bentos.settings import ServingSettings
from bentos.supervised import Section
from web.client import client
from web.problems import STARTING


def deploy(bento: Bento, settings: ServingSettings | None = None) -> Deployed:
    """Serve a Bento on its model's port; where it does not get ready, what served before serves again.

    Raises:
        NoPlatform: No supervised platform runs here.
        PortTaken: Something that is not this model's service listens on the port.
        BentoUnready: It did not become ready; the message says what serves now.
    """
    settings = settings or ServingSettings()
    port = settings.port(bento.model)
    before = deployed.current(bento.model, settings.deployed)
    supervised.control()
    if not processes.of_program(bento.model):  # what is ours makes way by itself, running or left over
        command.check_port(bento, port, settings)
    supervised.swap(section(bento, port, settings))
    try:
        wait_ready(bento.model, url(settings, port), bento.digest, settings.start_timeout_s)
    except BentoUnready as exc:
        raise BentoUnready(f"{exc}; {_back(bento.model, before, settings)}") from exc
    return deployed.record(bento, port, settings.deployed)


def serves_already(bento: Bento, settings: ServingSettings) -> Deployed | None:
    """The record of this very build where it is what serves now, checked when it was put there."""
    entry = deployed.current(bento.model, settings.deployed)
    if entry is None or entry.tag != bento.tag:
        return None
    rebuilt = (bento.path / "bento.yaml").stat().st_mtime > datetime.fromisoformat(entry.since).timestamp()
    return entry if serves(entry.model, url(settings, entry.port), bento.digest) and not rebuilt else None


def _back(model: str, before: Deployed | None, settings: ServingSettings) -> str:
    """Serve again what served before, and say so."""
    if before is None:
        return f"nothing serves {model}"
    supervised.swap(section(find(before.tag, settings.home), before.port, settings))
    wait_ready(model, url(settings, before.port), before.digest, settings.start_timeout_s)
    return f"{before.tag} serves again"


def section(bento: Bento, port: int, settings: ServingSettings) -> Section:
    """The supervised program that serves a Bento."""
    told, environment = command.command(port, settings), command.environment(bento, settings)
    return Section(bento.model, told, environment, bento.source, (settings.host, port))


def deployed_sections(settings: ServingSettings | None = None) -> list[Section]:
    """A section for each Bento that served last; one no longer built, or of a damaged record, is left out."""
    settings = settings or ServingSettings()
    found = []
    for entry in deployed.everything(settings.deployed).values():
        try:
            found.append(section(find(entry.tag, settings.home), settings.port(entry.model), settings))
        except (BentoNotFound, BentoRefused):
            continue
    return found


def url(settings: ServingSettings, port: int) -> str:
    """Where a port of the serving host answers."""
    return f"http://{settings.host}:{port}"


def wait_ready(model: str, base: str, digest: str, timeout_s: float) -> None:
    """Wait until the supervised service of a model says at `base` that it serves the artifact of that digest.

    Raises:
        BentoUnready: It does not in time, says that it never will, or dies again and again.
    """
    end = time.monotonic() + timeout_s
    while not serves(model, base, digest):
        if reason := hopeless(model, base):
            raise BentoUnready(f"{base} does not serve {model}: {reason}")
        if time.monotonic() > end:
            raise BentoUnready(f"{base} is not ready after {timeout_s:g} s: {readiness(base) or 'nothing answers'}")
        time.sleep(0.1)


def serves(model: str, base: str, digest: str) -> bool:
    """Whether it is the supervised service of a model that answers at `base`, with the artifact of that digest."""
    said, port = readiness(base), urlsplit(base).port or 0
    return bool(said.get("ready")) and said.get("digest") == digest and supervised.condition(model).listens(port)


def hopeless(model: str, base: str) -> str:
    """Why a service will not get ready by waiting; empty where it may."""
    if reason := refusal(base):
        return f"it refuses: {reason}"
    condition = supervised.condition(model)
    return f"{condition.failing}: {supervised.last_line(model)}" if condition.failing else ""


def refusal(base: str) -> str:
    """Why the service at `base` holds no model; empty where it has one, or does not know yet."""
    said = readiness(base)
    reason = str(said.get("detail", "")) if str(said.get("type", "")).endswith(":not-ready") else ""
    return "" if reason == STARTING else reason


def readiness(base: str) -> dict[str, object]:
    """What `/readyz` says; empty where nothing answers."""
    from httpx import HTTPError

    try:
        return client().get(f"{base}/readyz").json()
    except (HTTPError, ValueError):
        return {}
