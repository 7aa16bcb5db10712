"""Tells people by mail that a run failed which nobody was watching: one that a schedule or a trigger started."""

import json
import os
import re
import shlex
from typing import TYPE_CHECKING, Any

from base.home import home
from flows.settings import PrefectSettings
from monitoring import notice
from monitoring.outbox import Outbox
from monitoring.settings import MailSettings

if TYPE_CHECKING:
    from email.message import EmailMessage

    from prefect.client.schemas.objects import FlowRun, State

LONGEST_REASON = 500
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|API_KEY|AUTH_STRING", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+@")


def mail_failure(flow: Any, flow_run: "FlowRun", state: "State[Any]") -> None:
    """Write to people that a run failed or crashed; the hook of every flow, which itself never raises.

    A run without a deployment was started by a person at a terminal, who has read why.
    """
    from prefect.logging.loggers import flow_run_logger

    if flow_run.deployment_id is None:
        return
    logger = flow_run_logger(flow_run, flow)
    try:
        settings = MailSettings()
        Outbox(settings).post(letter(flow.name, flow_run, state, settings))
        logger.info("wrote to %s about it", ", ".join(settings.recipients))
    except Exception as exc:  # the run has failed already; what is wrong with the mail must not hide why
        logger.warning("nobody was written to about it: %s", masked(one_line(str(exc))))


ALERTING: dict[str, Any] = {"on_failure": [mail_failure], "on_crashed": [mail_failure]}
"""What `@flow` of every flow is given."""


def letter(flow: str, flow_run: "FlowRun", state: "State[Any]", settings: MailSettings) -> "EmailMessage":
    """The mail about a run: what failed and why in one line, where it is seen, how it is run again."""
    verb = "crashed" if state.is_crashed() else "failed"
    page = f"{PrefectSettings().url.removesuffix('/api')}/v2/runs/flow-run/{flow_run.id}"
    lines = [
        f"{flow} {verb}: {one_line(state.message or '')}",
        "",
        f"Run: {flow_run.name}",
        f"Its log: {page}",
        f"Run it again: {again(flow, _deployment(flow_run), flow_run.parameters)}",
    ]
    subject, key = f"{flow} {verb}: run {flow_run.name}", f"{flow_run.id} {flow_run.run_count}"
    return notice.compose(subject, [masked(line) for line in lines], settings, key)


def _deployment(flow_run: "FlowRun") -> str:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_deployment(flow_run.deployment_id).name


def again(flow: str, deployment: str, parameters: dict[str, Any]) -> str:
    """The command that starts the same run once more.

    >>> print(again("drift", "check-drift", {"model": "recommender", "since": None}))
    prefect deployment run drift/check-drift -p 'model="recommender"'
    """
    given = [f"{name}={json.dumps(value)}" for name, value in parameters.items() if value not in (None, {}, [])]
    return shlex.join(["prefect", "deployment", "run", f"{flow}/{deployment}", *_each("-p", given)])


def _each(option: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def one_line(message: str) -> str:
    """The first line of a message, no longer than a person reads."""
    line = (message.strip().splitlines() or ["no reason was given"])[0].removeprefix("Flow run encountered an ")
    return line.removeprefix("exception: ")[:LONGEST_REASON]


def masked(text: str) -> str:
    """The text without secrets.

    >>> masked("no answer from http://agro:hunter2@farm:8123")
    'no answer from http://***@farm:8123'
    """
    text = _IN_ADDRESS.sub("***@", text)
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text


def _secrets() -> list[str]:
    """Every secret that this process could have put into a message."""
    kept = [path.read_text().strip() for path in home("secrets").glob("*") if path.is_file()]
    given = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    return sorted((value for value in [*kept, *given] if len(value) > 3), key=len, reverse=True)
