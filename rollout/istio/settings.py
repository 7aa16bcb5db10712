"""Where the Kubernetes API is, and as whom it is asked."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.home import home

_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts a pod's token and its own certificate."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _own_cluster() -> str:
    """The address that Kubernetes tells its pods; empty elsewhere."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://{f'[{host}]' if ':' in host else host}:{port}" if host else ""


class KubernetesSettings(BaseSettings):
    """The cluster whose VirtualServices hold the weights; in a pod all of it is known."""

    model_config = SettingsConfigDict(env_prefix="AGRO_KUBERNETES_", frozen=True)
    server: str = Field(default_factory=_own_cluster)
    """`https://…`; empty where there is no cluster: documents are then written to `manifests` and applied nowhere."""
    namespace: str = Field("agrologistic", pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    token: SecretStr | None = None
    """Where it is not the one in `token_file`."""
    token_file: Path = _POD / "token"
    """Read for every request: Kubernetes replaces it every hour or so."""
    ca_file: Path = _POD / "ca.crt"
    """Whom to trust as the server, besides nobody; where the file is absent, whom this machine trusts."""
    timeout_s: float = Field(10.0, gt=0)
    attempts: int = Field(4, ge=1)
    dry_run: bool = False
    """Let the server check everything and keep nothing."""
    manifests: Path = Field(default_factory=lambda: home("mesh", "manifests"))
    request_timeout_s: float = Field(25.0, gt=0)
    """From the whole request to the whole answer, retries included."""
    retries: int = Field(4, ge=0)
    """Of a request that no service has seen."""

    @field_validator("server")
    @classmethod
    def _secure(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError(f"AGRO_KUBERNETES_SERVER needs https://HOST:PORT, for it is sent the token; got {value}")
        return value.rstrip("/")
