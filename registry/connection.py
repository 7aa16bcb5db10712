"""The one place where MLflow is asked, and where its errors become ours."""

import getpass
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from registry.errors import RegistryError, RegistryUnreachable, VersionNotFound
from registry.login import log_in
from registry.settings import MLflowSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

REMEDY = "start the platform with `agro up`, or set AGRO_MLFLOW_TRACKING_URI to a server that runs"


def ping(uri: str, timeout_s: float) -> None:
    """Ask the server whether it is there; a store that is no HTTP server counts as there.

    Raises:
        RegistryUnreachable: It did not answer in time, or says that it is not well.
    """
    if urlsplit(uri).scheme not in ("http", "https"):
        return
    import requests

    try:
        status = requests.get(f"{uri}/health", timeout=timeout_s).status_code
    except requests.RequestException as exc:
        raise _unreachable(uri) from exc
    if status not in (200, 401):
        raise RegistryUnreachable(
            f"what answers at {uri} is no MLflow server that is well (status {status} at /health); "
            f"free the port or look at the server's log, or {REMEDY}"
        )


def _unreachable(uri: str) -> RegistryUnreachable:
    return RegistryUnreachable(f"MLflow does not answer at {uri}; {REMEDY}")


class Connection:
    """An MLflow client, made at the first question, whose errors are ours."""

    def __init__(self, settings: MLflowSettings) -> None:
        ping(settings.uri, settings.ping_timeout_s)
        log_in(settings)
        self.uri = settings.uri
        self._client: MlflowClient | None = None

    @contextmanager
    def client(self) -> Iterator["MlflowClient"]:
        """The client.

        Raises:
            RegistryUnreachable: MLflow stopped answering.
            VersionNotFound: What was asked for does not exist.
            RegistryError: MLflow refused for another reason.
        """
        import requests
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            self._client = self._client or MlflowClient(self.uri, self.uri)
            yield self._client
        except (MlflowException, requests.RequestException) as exc:
            raise _translated(exc, self.uri) from exc


class Connected:
    """Whatever asks MLflow over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._mlflow = connection


def _translated(exc: Exception, uri: str) -> RegistryError:
    import requests

    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, requests.ConnectionError | requests.Timeout | requests.exceptions.RetryError):
            return _unreachable(uri)
        cause = cause.__cause__ or cause.__context__
    if is_missing(exc):
        return VersionNotFound(f"MLflow at {uri}: {exc}")
    return RegistryError(f"MLflow at {uri} refused: {exc}")


def is_missing(exc: Exception) -> bool:
    """Whether MLflow says that there is no such thing."""
    return getattr(exc, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"


def account() -> str:
    """The account that asks, as MLflow shows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
