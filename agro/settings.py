"""Settings of the local platform, and every room's settings side by side."""

from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.home import HOME, home

CHECKOUT = Path(__file__).parent.parent
"""Where prefect.yaml and the rooms are."""


class PlatformSettings(BaseSettings):
    """How long the local platform waits for its programs."""

    model_config = SettingsConfigDict(env_prefix="AGRO_PLATFORM_", frozen=True)
    start_timeout_s: float = Field(300, gt=0)
    """A program that is not ready after this long has failed."""
    stop_timeout_s: float = Field(30, gt=0)


def every_room() -> dict[str, BaseSettings]:
    """The settings of all rooms by name."""
    from bentos.settings import ServingSettings
    from features.settings import ClickHouseSettings, RetentionSettings, StorageSettings
    from flows.settings import (
        PrefectSettings,
        PromotionSettings,
        ReportSettings,
        TrainingSettings,
        TuningSettings,
        WebhookSettings,
    )
    from monitoring.settings import DriftSettings, MailSettings
    from registry.settings import MLflowSettings
    from rollout.envoy import MeshSettings
    from rollout.istio import KubernetesSettings
    from rollout.plan import Plan
    from rollout.settings import ApprovalSettings, HistorySettings, TargetSettings

    return {
        "platform": PlatformSettings(),
        "clickhouse": ClickHouseSettings(),
        "storage": StorageSettings(),
        "retention": RetentionSettings(),
        "mlflow": MLflowSettings(),
        "prefect": PrefectSettings(),
        "webhook": WebhookSettings(),
        "training": TrainingSettings(),
        "tuning": TuningSettings(),
        "report": ReportSettings(),
        "serving": ServingSettings(),
        "history": HistorySettings(),
        "target": TargetSettings(),
        "approval": ApprovalSettings(),
        "mesh": MeshSettings(),
        "kubernetes": KubernetesSettings(),
        "smtp": MailSettings(),
        "drift": DriftSettings(),
        "rollout": Plan(),
        "promotion": PromotionSettings(),
    }


def as_environment() -> dict[str, Any]:
    """Every setting under the name of the variable that changes it, secrets masked."""
    rows: dict[str, Any] = {HOME: str(home())}
    for settings in every_room().values():
        prefix = settings.model_config.get("env_prefix", "")
        for field, value in settings.model_dump(mode="json").items():
            rows[f"{prefix}{field}".upper()] = value
    return rows
