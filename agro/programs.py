"""The programs of the local platform: what starts each, where it listens, how one sees that it is ready."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from agro.settings import CHECKOUT
from base.home import HOME, home

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "ITERATIVE_DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
}


LOCAL_PLAN = {"AGRO_ROLLOUT_BAKE_S": "10", "AGRO_ROLLOUT_LEAST_REQUESTS": "100"}
"""One machine has few callers: a rollout's steps are short there, unless the environment says otherwise."""


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    command: list[str]
    host: str
    port: int
    port_setting: str
    """The variable that moves the port."""
    ready_path: str | None
    """Path that answers 200 when the program is ready; None: its port accepts connections."""
    url: str
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = CHECKOUT
    """Where it is started."""


def base_environment() -> dict[str, str]:
    """What every program inherits: this environment, one home, no telemetry."""
    return {**os.environ, **TELEMETRY_OFF, HOME: str(home()), "PYTHONUNBUFFERED": "1"}


def clickhouse() -> Program:
    """The process that owns the embedded ClickHouse engine."""
    from features.settings import ClickHouseSettings

    settings = ClickHouseSettings()
    command = [sys.executable, "-m", "features.engine", "--path", str(home() / "clickhouse")]
    command += ["--host", settings.host, "--port", str(settings.port)]
    return Program(
        "clickhouse", command, settings.host, settings.port, "AGRO_CLICKHOUSE_PORT", "/ping",
        f"http://{settings.host}:{settings.port}",
    )  # fmt: skip


def mlflow() -> Program:
    """The MLflow tracking server and registry."""
    from registry import server
    from registry.settings import MLflowSettings

    settings = MLflowSettings()
    return Program(
        "mlflow", server.command(settings), settings.host, settings.port, "AGRO_MLFLOW_PORT", "/health",
        f"http://{settings.host}:{settings.port}", server.environment(settings),
    )  # fmt: skip


def prefect() -> Program:
    """The Prefect server with its scheduler."""
    from flows.settings import PrefectSettings

    settings = PrefectSettings()
    command = [sys.executable, "-m", "flows.server", "--host", settings.host, "--port", str(settings.port)]
    environment = {
        "PREFECT_HOME": str(settings.home),
        "PREFECT_API_URL": settings.url,
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
        # in memory, a restart of the server would forget who holds a slot, and nobody could give it back
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }
    return Program(
        "prefect", command, settings.host, settings.port, "AGRO_PREFECT_PORT", "/api/health",
        f"http://{settings.host}:{settings.port}", environment,
    )  # fmt: skip


def smtp() -> Program:
    """The local mail sink."""
    from monitoring.settings import MailSettings

    settings = MailSettings()
    command = [sys.executable, "-m", "monitoring.sink", "--host", settings.host, "--port", str(settings.port)]
    command += ["--dir", str(home() / "mail")]
    return Program(
        "smtp", command, settings.host, settings.port, "AGRO_SMTP_PORT", None,
        f"smtp://{settings.host}:{settings.port}",
    )  # fmt: skip


def hints() -> Program:
    """The receiver of MLflow's word that an alias was moved."""
    from flows.settings import WebhookSettings

    settings = WebhookSettings()
    return Program(
        "hints", [sys.executable, "-m", "flows.hints"], settings.host, settings.port, "AGRO_WEBHOOK_PORT", "/readyz",
        settings.url, {"PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip


def servers() -> list[Program]:
    """Every server that `agro up` starts, quickest first."""
    return [clickhouse(), smtp(), hints(), prefect(), mlflow()]


def worker_command() -> tuple[list[str], dict[str, str]]:
    """The Prefect worker that runs scheduled and triggered deployments, and its environment."""
    from flows.settings import PrefectSettings

    settings = PrefectSettings()
    command = [str(Path(sys.executable).parent / "prefect"), "worker", "start"]
    command += ["--pool", settings.pool, "--type", "process", "--name", "local", "--limit", "4"]
    environment = {
        "PREFECT_HOME": str(settings.home),
        "PREFECT_API_URL": settings.url,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PYTHONPATH": str(CHECKOUT),
        **{name: os.environ.get(name, value) for name, value in LOCAL_PLAN.items()},
    }
    return command, environment


def reaper_command() -> tuple[list[str], dict[str, str]]:
    """The program that finds flow runs whose process died, and its environment."""
    return [sys.executable, "-m", "flows.reaper"], {"PYTHONPATH": str(CHECKOUT)}


def helpers() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Programs without a port that start once Prefect knows the flows: command and environment by name."""
    return {"worker": worker_command(), "reaper": reaper_command()}
