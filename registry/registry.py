"""The model registry: versions with their gate, the aliases that say what serves, and files proven by digest."""

from registry.artifacts import Artifacts
from registry.champions import Champions
from registry.connection import Connection
from registry.records import Lineage, Served, Training, Version, VersionInfo
from registry.runs import Runs
from registry.settings import MLflowSettings
from registry.webhooks import Webhooks

__all__ = ["Lineage", "Registry", "Served", "Training", "Version", "VersionInfo"]


class Registry(Runs, Champions, Artifacts, Webhooks):
    """MLflow as the project uses it, in one object for callers. It may serve several threads."""

    @classmethod
    def connect(cls, settings: MLflowSettings) -> "Registry":
        """A registry on a server that answers.

        Raises:
            RegistryUnreachable: It does not; known within `settings.ping_timeout_s`.
        """
        return cls(Connection(settings))

    @property
    def uri(self) -> str:
        """Address of the MLflow server."""
        return self._mlflow.uri
