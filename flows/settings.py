"""Where the Prefect server is, and what a training demands."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.home import home
from base.settings import Names
from web.settings import HttpSettings


class PrefectSettings(BaseSettings):
    """The Prefect server that keeps runs, schedules and concurrency limits."""

    model_config = SettingsConfigDict(env_prefix="AGRO_PREFECT_", frozen=True)
    host: str = "127.0.0.1"
    port: int = Field(4200, ge=1, le=65535)
    api_url: str | None = None
    """Full address of the API where it is not on `host` and `port`."""
    home: Path = Field(default_factory=lambda: home("prefect"))
    pool: str = "local"
    """Work pool that the deployments run in."""
    allowed_hosts: Names = ()
    """Further names the server is called by, each as a browser sends it: `name:port`, or `name` on the usual port."""

    @property
    def url(self) -> str:
        """Address of the API."""
        return self.api_url or f"http://{self.host}:{self.port}/api"


class WebhookSettings(HttpSettings):
    """The program that MLflow tells of moved aliases."""

    model_config = SettingsConfigDict(env_prefix="AGRO_WEBHOOK_", frozen=True)
    port: int = Field(8003, ge=1, le=65535)
    window_s: float = Field(300, gt=0)
    """What was signed longer ago, or lies further ahead, is refused."""
    max_body_bytes: int = Field(1 << 14, gt=0)

    @property
    def url(self) -> str:
        """Where hints are taken."""
        return f"http://{self.host}:{self.port}/hints"


class TrainingSettings(BaseSettings):
    """What a training run is held to."""

    model_config = SettingsConfigDict(env_prefix="AGRO_TRAINING_", frozen=True)
    margin: float = Field(0.01, ge=0, le=1)
    """A challenger may score worse than the champion by this share of the champion's score and still pass."""
    refits: int = Field(3, ge=1, le=20)
    """Seeds that a recipe is evaluated with, once, to know its refit noise; only where there is a champion."""
    inbox: Path = Field(default_factory=lambda: home("inbox"))
    """Folder whose sub-folders, named by kind, the hourly ingest empties."""
    inbox_settle_s: float = Field(2.0, ge=0)
    """What changes within this time is still being written, and waits for the next run."""


class ReportSettings(BaseSettings):
    """Where reports are kept."""

    model_config = SettingsConfigDict(env_prefix="AGRO_REPORT_", frozen=True)
    reports: Path = Field(default_factory=lambda: home("reports"))


class TuningSettings(BaseSettings):
    """Where searches are kept, so that one that was broken off goes on."""

    model_config = SettingsConfigDict(env_prefix="AGRO_TUNING_", frozen=True)
    studies: Path = Field(default_factory=lambda: home("tuning"))


class PromotionSettings(BaseSettings):
    """What a version may not be, to be let into the traffic at all."""

    model_config = SettingsConfigDict(env_prefix="AGRO_PROMOTION_", frozen=True)
    slower_factor: float = Field(2.0, ge=1)
    """Its p95 may be so many times that of what serves,
    plus `slower_ms`; an answer beyond that is a slow one in the rollout, too."""
    slower_ms: float = Field(50.0, gt=0)
    least_alike: float = Field(0.2, gt=0, le=1)
    """Answers that are less alike differ; 1: the same."""
    replayed: int = Field(1000, ge=1)
    """Logged requests that are replayed in shadow, at most."""
