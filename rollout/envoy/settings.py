"""Where the local front listens, what a request through it may cost, and where it keeps its files."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.home import home


class MeshSettings(BaseSettings):
    """The Envoy in front of the local services."""

    model_config = SettingsConfigDict(env_prefix="AGRO_MESH_", frozen=True)
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65535)
    folder: Path = Field(default_factory=lambda: home("mesh"))
    """Its configuration; the weights are in `routes.json`."""
    threads: int = Field(1, ge=1)
    connect_timeout_s: float = Field(1.0, gt=0)
    request_timeout_s: float = Field(25.0, gt=0)
    """From the whole request to the whole answer, retries included; a little over the services' own."""
    retries: int = Field(4, ge=0)
    """Of a request that no service has seen: refused connections, and ones that broke before it was sent."""
    max_connections: int = Field(1024, ge=1)
    buffer_bytes: int = Field(4 << 20, ge=1 << 16)
    """Of one body. A longer one is passed on, but not tried again; one that an experiment has to look into is 413."""
    access_log: bool = True
    """A line of JSON a request, in the program's log."""
    apply_timeout_s: float = Field(5.0, gt=0)
    """How long Envoy may take to put new weights to use; some 50 ms as a rule."""
