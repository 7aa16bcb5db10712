"""What a service says of itself at `/readyz`: which version it answers with, or why it has none."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from web.client import client, client_of
from web.problems import STARTING

if TYPE_CHECKING:
    from httpx import Client

Said = dict[str, Any]


def at(base: str) -> Said:
    """What the service at an address says; empty where nothing answers."""
    return _asked(client(), f"{base}/readyz")


def at_socket(path: Path) -> Said:
    """What the service on a unix socket says; empty where nothing answers."""
    with client_of(path) as asking:
        return _asked(asking, "/readyz")


def refusal(said: Said) -> str:
    """Why a service holds no model; empty where it has one, or does not know yet."""
    reason = str(said.get("detail", "")) if str(said.get("type", "")).endswith(":not-ready") else ""
    return "" if reason == STARTING else reason


def version(said: Said, model: str) -> int | None:
    """The version of a model that a service answers with; None where it answers with none."""
    number = str(_model(said, model).get("model_version", ""))
    return int(number) if number.isdigit() else None


def is_ready(said: Said, model: str, digest: str) -> bool:
    """Whether a service answers with the artifact of a model that has that digest."""
    return _model(said, model).get("digest") == digest


def _model(said: Said, model: str) -> Said:
    known = said.get("models") if said.get("ready") else None
    found = known.get(model) if isinstance(known, dict) else None
    return found if isinstance(found, dict) else {}


def _asked(asking: "Client", url: str) -> Said:
    from httpx import HTTPError

    try:
        said = asking.get(url).json()
    except (HTTPError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
