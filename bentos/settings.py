"""Settings of serving: ports, bounds on what a request may cost, and where Bentos are kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model
from pydantic_settings import SettingsConfigDict

from base.home import home
from base.packages import BadPackage
from models.families import OWN, Service, models, registered
from web.settings import HttpSettings

ARMS = ("champion", "canary", "challenger", "shadow")
"""Parts of the traffic that a version can stand in."""


def port_field(service: Service) -> str:
    """The setting that moves a service's port."""
    return f"{service.name.replace('-', '_')}_port"


def _services() -> list[Service]:
    """Every model's; ours alone where another package is broken, so that our services start."""
    try:
        return [one.service for one in models().values()]
    except BadPackage:
        return [one.service for one in OWN]


if TYPE_CHECKING:
    _Ports = HttpSettings
else:
    _FIELDS: dict[str, Any] = {port_field(one): (int, Field(default=one.port, ge=1, le=65535)) for one in _services()}
    _Ports = create_model("_Ports", __base__=HttpSettings, **_FIELDS)


class ServingSettings(_Ports):
    """What the services and those who start them share."""

    model_config = SettingsConfigDict(env_prefix="AGRO_SERVING_", frozen=True)

    home: Path = Field(default_factory=lambda: home("bentoml"))
    """BentoML's store of built Bentos."""
    spool: Path = Field(default_factory=lambda: home("spool"))
    """Where predictions wait while ClickHouse is away."""
    kept_bentos: int = Field(default=5, ge=1)
    """Built Bentos kept per model, newest first; those that serve are kept besides."""

    arm: str = Field(default="champion", pattern=r"^[a-z0-9_-]{1,32}$")
    """Which part of the traffic this process answers; every answer carries it."""
    folders: dict[str, Path] = Field(default={})
    """Folder with `manifest.json` to serve, by model; by default the Bento's own."""
    digests: dict[str, str] = Field(default={})
    """Digest that the artifact must have, by model; by default the one in its `manifest.json`."""
    log_predictions: bool = True

    start_timeout_s: float = Field(default=90.0, gt=0)
    stop_timeout_s: int = Field(default=20, gt=0)
    """A stopping service finishes what it is answering for at most this long."""
    compute_threads: int = Field(default=2, ge=1)
    """Threads of numeric libraries in one service."""

    def port(self, model: str, arm: str = "champion") -> int:
        """The port on which a registered model's arm is served: a hundred between two arms of a service."""
        port: int = getattr(self, port_field(registered(model).service))
        return port + 100 * ARMS.index(arm)

    @classmethod
    def port_variable(cls, model: str) -> str:
        """The environment variable that moves a model's port."""
        return f"{cls.model_config['env_prefix']}{port_field(registered(model).service)}".upper()
