"""What a service lets in and how much it takes; each room's settings inherit it under a prefix of their own."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.settings import Names

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
"""Signatures by a key pair: of a shared secret, whoever can verify could also sign."""


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

    jwks_url: str = ""
    """Where the issuer's keys are, to verify callers' tokens where no mesh does; empty: tokens are not looked at."""
    jwt_issuer: str = ""
    jwt_audiences: Names = ()
    """What a token may be meant for; it must name one of them."""
    jwt_algorithms: tuple[Algorithm, ...] = ("RS256", "ES256")

    requests_per_minute: int = Field(default=0, ge=0)
    """What one caller may ask in the long run, told by its token, else by its address; 0: as much as it likes."""
    requests_at_once: int = Field(default=100, gt=0)
    """What one caller may ask at once after a rest, where there is a limit a minute."""
    caller_header: str = ""
    """Header in which a proxy that no caller can pass by tells the caller's address; empty: the connection's own."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.jwks_url and not (self.jwt_issuer and self.jwt_audiences):
            names = " and ".join(map(self.variable, ("jwt_issuer", "jwt_audiences")))
            raise ValueError(f"tokens are verified against {self.variable('jwks_url')}: set {names} as well")
        return self

    def variable(self, field: str) -> str:
        """The environment variable that sets a field, for those who are told to set it."""
        return f"{self.model_config['env_prefix']}{field}".upper()
