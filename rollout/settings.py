"""Where the weights of the arms live, and where the table of what served is kept."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.home import home
from base.settings import Names


class TargetSettings(BaseSettings):
    """Who splits the traffic."""

    model_config = SettingsConfigDict(env_prefix="AGRO_ROLLOUT_", frozen=True)
    target: Literal["envoy", "virtual-service"] = "envoy"
    """The local Envoy, or the VirtualServices of a cluster."""


class ApprovalSettings(BaseSettings):
    """Whose versions somebody has to approve before they may serve."""

    model_config = SettingsConfigDict(env_prefix="AGRO_ROLLOUT_APPROVAL_", frozen=True)
    models: Names = ()
    """Registered models, or `*` for all: a version serves there only with the tag `approval=approved`."""


class HistorySettings(BaseSettings):
    """The table of what served."""

    model_config = SettingsConfigDict(env_prefix="AGRO_HISTORY_", frozen=True)

    database: SecretStr = SecretStr("")
    """Its address as SQLAlchemy takes it, such as `postgresql+psycopg://HOST/NAME`; empty: a SQLite file."""
    file: Path = Field(default_factory=lambda: home("rollout", "history.db"))
    """The SQLite file."""
    records: Path = Field(default_factory=lambda: home("deployed"))
    """Files in which earlier versions of the platform kept what serves; they are taken over once."""

    @property
    def url(self) -> str:
        """The table's address."""
        return self.database.get_secret_value() or f"sqlite:///{self.file.absolute()}"

    @property
    def shown(self) -> str:
        """The address without its password."""
        from sqlalchemy import make_url

        return make_url(self.url).render_as_string(hide_password=True)
