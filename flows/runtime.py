"""Runs a flow from a command line: against the real server, quietly, with plain errors."""

import os

from flows.errors import PrefectUnreachable
from flows.settings import PrefectSettings
from web.client import client


def connect_prefect(settings: PrefectSettings | None = None) -> str:
    """Point this process at the Prefect server; call it before anything imports prefect.

    Returns:
        The server's API address.

    Raises:
        PrefectUnreachable: Nothing healthy answers there.
    """
    from httpx import HTTPError

    settings = settings or PrefectSettings()
    try:
        client().get(f"{settings.url}/health", timeout=5).raise_for_status()
    except HTTPError as exc:
        raise PrefectUnreachable(
            f"Prefect does not answer at {settings.url}; start it with `agro up` or set AGRO_PREFECT_API_URL"
        ) from exc
    os.environ["PREFECT_API_URL"] = settings.url
    os.environ.setdefault("PREFECT_HOME", str(settings.home))
    # the server keeps the logs; a terminal gets the progress bar and, at the end, one line
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
    return settings.url


def hand_over(timeout_s: float = 5.0) -> None:
    """Give the server the log lines and events that still wait, while it is there.

    Prefect sends them from threads of its own and at the latest when the process ends; a server that was stopped before
    would be asked again and again for a minute.
    """
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for waiting in (APILogWorker, EventsWorker):
        waiting.drain_all(timeout=timeout_s)
