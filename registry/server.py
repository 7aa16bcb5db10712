"""Starting the local MLflow server: the command line, its environment, and waiting until it answers."""

import sys
import time
from collections.abc import Callable

from registry.connection import ping
from registry.errors import RegistryUnreachable
from registry.settings import MLflowSettings


def command(settings: MLflowSettings) -> list[str]:
    """The command that runs the server; the folder for its database is made."""
    settings.home.mkdir(parents=True, exist_ok=True)
    store = settings.backend_store or f"sqlite:///{settings.home.absolute() / 'mlflow.db'}"
    artifacts = settings.artifacts or str(settings.home.absolute() / "artifacts")
    return [
        sys.executable, "-m", "mlflow", "server",
        "--host", settings.host, "--port", str(settings.port), "--workers", "1",
        "--backend-store-uri", store, "--artifacts-destination", artifacts,
        "--allowed-hosts", ",".join(_hosts(settings)),
        "--app-name", "agrologistic",
    ]  # fmt: skip


def environment(settings: MLflowSettings) -> dict[str, str]:
    """What the server needs in its environment: no telemetry, no background jobs, no pickle."""
    roles = {
        "AGRO_MLFLOW_AUTH": "true",
        "AGRO_MLFLOW_PROMOTERS": ",".join(settings.promoters),
        "AGRO_MLFLOW_HOME": str(settings.home.absolute()),
    }
    return (roles if settings.auth else {}) | {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",  # the receiver is on this machine
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",  # a receiver that is told of late is not unknown for a minute
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": f"http://{settings.host}:{settings.port},http://localhost:{settings.port}",
        "PYTHONUNBUFFERED": "1",
    }


def wait_ready(
    settings: MLflowSettings, timeout_s: float | None = None, alive: Callable[[], bool] = lambda: True
) -> float:
    """Wait until the server answers.

    Args:
        settings: Where it is.
        timeout_s: How long to wait; the settings' `ready_timeout_s` by default.
        alive: Whether its process still runs: waiting for a dead one ends at once.

    Returns:
        The seconds waited.

    Raises:
        RegistryUnreachable: It did not answer in time, or its process ended.
    """
    limit_s = settings.ready_timeout_s if timeout_s is None else timeout_s
    started = time.monotonic()
    while True:
        try:
            ping(settings.uri, settings.ping_timeout_s)
            return time.monotonic() - started
        except RegistryUnreachable as exc:
            waited = time.monotonic() - started
            if not alive():
                raise RegistryUnreachable(f"the MLflow server ended before it answered at {settings.uri}") from exc
            if waited >= limit_s:
                raise RegistryUnreachable(f"MLflow at {settings.uri} did not answer in {waited:.0f} s") from exc
        time.sleep(0.2)


def _hosts(settings: MLflowSettings) -> list[str]:
    own = [name for host in (settings.host, "localhost", "127.0.0.1") for name in (host, f"{host}:{settings.port}")]
    return list(dict.fromkeys([*own, *settings.allowed_hosts]))
