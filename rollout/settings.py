"""Where the weights of the arms live."""

from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class TargetSettings(BaseSettings):
    """Who splits the traffic."""

    model_config = SettingsConfigDict(env_prefix="AGRO_ROLLOUT_", frozen=True)
    target: Literal["envoy", "virtual-service"] = "envoy"
    """The local Envoy, or the VirtualServices of a cluster."""
