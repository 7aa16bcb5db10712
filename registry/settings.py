"""Where the MLflow server is, and where it keeps its files."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.home import home, secret
from base.settings import Names


class MLflowSettings(BaseSettings):
    """The MLflow tracking server and registry."""

    model_config = SettingsConfigDict(env_prefix="AGRO_MLFLOW_", frozen=True)
    host: str = "127.0.0.1"
    port: int = Field(5000, ge=1, le=65535)
    tracking_uri: str | None = None
    """Address of a server that is not on `host` and `port`."""
    home: Path = Field(default_factory=lambda: home("mlflow"))
    """Folder of the local server's database and artifacts."""
    backend_store: str | None = None
    """Database URL of the local server where it is not the SQLite file in `home`."""
    artifacts: str | None = None
    """Where the local server keeps artifacts if not in `home`: a path or an object store's URL."""
    allowed_hosts: Names = ()
    """Host headers the local server answers besides its own address."""
    ping_timeout_s: float = Field(3.0, gt=0)
    """How long the first question may take before the server counts as unreachable."""
    ready_timeout_s: float = Field(180.0, gt=0)
    """How long the local server may take to start; about 15 s on an idle machine."""
    webhook_secret: SecretStr = Field(default_factory=lambda: SecretStr(secret("mlflow-webhook")))
    """What MLflow signs its hints with; by default the local platform's own, made at its first start."""
    webhook_key: SecretStr = Field(default_factory=lambda: SecretStr(secret("mlflow-webhook-key")))
    """What the local server encrypts that secret with in its database; made at its first start."""
    auth: bool = False
    """Whether MLflow asks for account and password; its own application for that is turned on."""
    promoters: Names = ()
    """Accounts that may move `champion` and approve versions, besides `admin`."""
    admin_password: SecretStr = Field(default_factory=lambda: SecretStr(secret("mlflow-admin")))
    """Of the account `admin`, by which our programs log in; made at the first start."""
    auth_store: SecretStr = SecretStr("")
    """Database URL of the accounts where it is not the SQLite file in `home`."""

    @model_validator(mode="after")
    def _roles_need_names(self) -> "MLflowSettings":
        if self.promoters and not self.auth:
            raise ValueError("AGRO_MLFLOW_PROMOTERS needs AGRO_MLFLOW_AUTH=true: without it nobody has a name")
        return self

    @property
    def uri(self) -> str:
        """Address of the server."""
        return (self.tracking_uri or f"http://{self.host}:{self.port}").rstrip("/")
