"""Runs a flow from a command line: against the real server, quietly, with plain errors."""

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from flows.errors import PrefectUnreachable
from flows.settings import PrefectSettings

T = TypeVar("T")


def connect_prefect(settings: PrefectSettings | None = None) -> str:
    """Point this process at the Prefect server; call it before anything imports prefect.

    Returns:
        The server's API address.

    Raises:
        PrefectUnreachable: Nothing healthy answers there.
    """
    settings = settings or PrefectSettings()
    try:
        with urllib.request.urlopen(f"{settings.url}/health", timeout=5) as answer:  # noqa: S310 - address from settings
            answer.read()
    except (urllib.error.URLError, OSError) as exc:
        raise PrefectUnreachable(
            f"Prefect does not answer at {settings.url}; start it with `agro up` or set AGRO_PREFECT_API_URL"
        ) from exc
    os.environ["PREFECT_API_URL"] = settings.url
    os.environ.setdefault("PREFECT_HOME", str(settings.home))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
    return settings.url


def run(flow: Callable[..., T], **parameters: Any) -> T:
    """Run a flow in this process with its run kept by the server; its own errors come through unchanged."""
    return flow(**parameters)
