"""What a service lets in and how much it takes; each room's settings inherit it under a prefix of their own."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.settings import Names


class HttpSettings(BaseSettings):
    """Names, sites and bounds of a service."""

    model_config = SettingsConfigDict(frozen=True)

    host: str = "127.0.0.1"
    allowed_hosts: Names = ()
    """Host names that a service goes by besides `host`, localhost and addresses; `*` where a mesh checks."""
    cors_origins: Names = ()
    """Sites whose pages may ask the services from a browser, such as `https://app.example`."""
    max_body_bytes: int = Field(default=1 << 20, gt=0)
    max_upload_bytes: int = Field(default=12 << 20, gt=0)
    """The most bytes that a form with a file may have."""
    max_in_flight: int = Field(default=64, gt=0)
    """Requests read or answered at a time; one more gets 503 with Retry-After."""
    request_timeout_s: float = Field(default=20.0, gt=0)

    def variable(self, field: str) -> str:
        """The environment variable that sets a field, for those who are told to set it."""
        return f"{self.model_config['env_prefix']}{field}".upper()
