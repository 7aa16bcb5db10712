"""What can be set from outside: how drift is judged, and where mail goes."""

from email.utils import parseaddr
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from base.home import home
from base.settings import Names


class DriftSettings(BaseSettings):
    """How a week is judged against the reference."""

    model_config = SettingsConfigDict(env_prefix="AGRO_DRIFT_", frozen=True)

    false_alarms_per_week: float = Field(default=0.01, gt=0, lt=0.5)
    """Chance that a quiet week alarms, over all columns and measures together."""
    smallest_psi: PositiveFloat = 0.1
    """A population stability index below this never alarms, however calm the reference is."""
    smallest_shift_sigmas: PositiveFloat = 0.1
    """A Wasserstein distance (in reference standard deviations) below this never alarms."""
    calendar_columns: tuple[str, ...] = ("day_of_week",)
    """Columns that say which day it was: a holiday on which shops are shut moves these, and is not drift."""
    smallest_calendar_shift_sigmas: PositiveFloat = 0.5
    """The floor of those columns, in sigmas: about what two shut days of seven do."""
    smallest_psi_without_weeks: PositiveFloat = 0.25
    """The same floor where the reference is too short to show how much weeks differ."""
    smallest_shift_sigmas_without_weeks: PositiveFloat = 0.5
    """The same floor where the reference is too short to show how much weeks differ."""
    smallest_missing_change: float = Field(default=0.02, gt=0, lt=1)
    """A change of the share of missing values below this never alarms."""
    smallest_unseen_share: float = Field(default=0.01, gt=0, lt=1)
    """A share of rows in categories the reference does not have never alarms below this."""
    smallest_row_ratio: float = Field(default=2.0, gt=1)
    """A week with fewer than 1/ratio or more than ratio times the usual rows may alarm."""
    bins: PositiveInt = 10
    """Reference quantile bins of a number, for the population stability index."""
    categories: PositiveInt = 50
    """The most frequent categories that are told apart; the rest count as one."""
    first_weeks: PositiveInt = 4
    """Weeks at the reference's start that are only compared with, not scored."""
    enough_weeks: PositiveInt = 8
    """Scored weeks from which natural variation is taken; with fewer, the larger floors hold."""
    time_columns: tuple[str, ...] = ("event_time", "timestamp", "ds")
    """The first of these that the reference has tells which week a row belongs to."""
    seed: int = 0
    """Seed of the draws that show how far a small sample strays by chance."""
    report_rows: PositiveInt = 5000
    """Rows of each side that the HTML report looks at; the verdict looks at all."""


class MailSettings(BaseSettings):
    """The mail server, who writes to whom, and where unsent mail is kept."""

    model_config = SettingsConfigDict(env_prefix="AGRO_SMTP_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=1025, ge=1, le=65535)
    user: str = ""
    """Empty: no login."""
    password: SecretStr = SecretStr("")
    tls: Literal["none", "starttls", "tls"] = "none"
    timeout_s: PositiveFloat = 20.0
    sender: str = "AgroLogistic <agrologistic@localhost>"
    recipients: Names = ("ml-team@localhost",)
    quiet_weeks: bool = False
    """Mail the report of a quiet week as well."""
    outbox: Path = Field(default_factory=lambda: home("outbox"))

    @field_validator("recipients")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [address for address in value if "@" not in parseaddr(address)[1]]
        if wrong or not value:
            raise ValueError(f"AGRO_SMTP_RECIPIENTS needs addresses like name@host, separated by commas; got {value!r}")
        return value
