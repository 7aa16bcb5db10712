"""Where ClickHouse answers, where files are kept, and how long rows live."""

from pathlib import Path

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.home import home, secret

_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


class ClickHouseSettings(BaseSettings):
    """How to reach ClickHouse: the embedded engine, a server or a cluster."""

    model_config = SettingsConfigDict(env_prefix="AGRO_CLICKHOUSE_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8123, ge=1, le=65535)
    user: str = "default"
    password: SecretStr = Field(default_factory=lambda: SecretStr(secret("clickhouse")))
    """By default the local platform's own, made at its first start; set it to nothing for a server without one."""
    database: str = Field(default="agrologistic", pattern=_NAME)
    cluster: str = Field(default="", pattern=r"^[A-Za-z0-9_.{}-]*$")
    """Name of the cluster whose servers share the tables; empty where one server has them."""
    secure: bool = False
    """HTTPS instead of HTTP."""
    compress: bool = False
    """Compress what goes over the wire; worth it only between machines."""
    timeout_s: PositiveFloat = 30.0
    """Longest wait for a connection or for one answer, in seconds."""


class StorageSettings(BaseSettings):
    """Folders for what is not a row."""

    model_config = SettingsConfigDict(env_prefix="AGRO_STORAGE_", frozen=True)

    snapshots: Path = Field(default_factory=lambda: home("snapshots"))
    images: Path = Field(default_factory=lambda: home("images"))
    rejects: Path = Field(default_factory=lambda: home("rejects"))
    quarantine: Path = Field(default_factory=lambda: home("quarantine"))
    """Rows that broke a contract and were moved out of the way, with a record of each move."""


class RetentionSettings(BaseSettings):
    """Days that rows live, by table; 0 keeps them for ever."""

    model_config = SettingsConfigDict(env_prefix="AGRO_RETENTION_", frozen=True)

    user_events_days: NonNegativeInt = 365
    product_events_days: NonNegativeInt = 1095
    order_events_days: NonNegativeInt = 1095
    gps_positions_days: NonNegativeInt = 90
    predictions_days: NonNegativeInt = 365
    batch_predictions_days: NonNegativeInt = 90

    def days(self) -> dict[str, int]:
        """Days by table name."""
        return {name.removesuffix("_days"): value for name, value in self.model_dump().items()}


class IngestSettings(BaseSettings):
    """How a file is cut and how much of it may be wrong."""

    model_config = SettingsConfigDict(env_prefix="AGRO_INGEST_", frozen=True)

    chunk_rows: PositiveInt = 250_000
    """Rows sent at a time."""
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    """ISO 4217 code of prices in files that do not name one."""
    max_rejected: float = Field(default=0.05, ge=0, le=1)
    """Share of a file's rows that may be rejected before somebody is told; what was good is loaded all the same."""
    max_image_bytes: PositiveInt = 20_000_000
    max_image_pixels: PositiveInt = 50_000_000
