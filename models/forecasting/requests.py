"""What may be asked of a forecaster."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from models import requests
from models.errors import MissingRegressor
from models.requests import Id, Request, Whole

MOST_PERIODS = 365
FEWEST_VALUES = 10
MOST_GIVEN = 10_000
MOST_VALUES = 3000
"""Longest history that is fitted on the fly; of a longer one the latest steps are used."""
LOWEST_LEVEL, HIGHEST_LEVEL = 0.5, 0.99
MOST_REGRESSORS = 20
LARGEST = 1e12
"""A series' unit is chosen so that its values stay below this."""
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)

Amount = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Future = Annotated[list[Amount], Field(min_length=1, max_length=MOST_PERIODS)]


_NONE = {"type": "null"}
_KNOWN = {"series_id": {"type": "string"}} | dict.fromkeys(("historical_data", "start", "freq"), _NONE)
_GIVEN = {
    "historical_data": {"type": "array"},
    "start": {"type": "string"},
    "freq": {"type": "string"},
    "series_id": _NONE,
    "regressors": {"maxProperties": 0},
}
ONE_SOURCE: dict[str, Any] = {
    "oneOf": [
        {"properties": _KNOWN, "required": ["series_id"]},
        {"properties": _GIVEN, "required": ["historical_data", "start", "freq"]},
    ],
    "examples": [
        {
            "historical_data": [20.0, 24.5, 31.0, 18.0, None, 26.0, 33.5, 21.0, 25.5, 32.0, 19.5, 22.0, 27.0, 34.0],
            "start": "2026-01-05",
            "freq": "D",
            "periods": 7,
        }
    ],
}
"""For whoever reads the schema: `one_source` and `dated`, and a request that every version answers."""


class ForecastRequest(Request):
    """Which series to forecast, or its history, and how far."""

    model_config = ConfigDict(json_schema_extra=ONE_SOURCE)

    series_id: Id | None = Field(None, description="id of a series that the model was trained on")
    historical_data: list[Amount | None] | None = Field(
        None,
        min_length=FEWEST_VALUES,
        max_length=MOST_GIVEN,
        description=f"the series, oldest first, in its own unit, {FEWEST_VALUES} to {MOST_GIVEN} numbers, null: gap",
        validate_default=True,
    )
    start: date | None = Field(
        None,
        ge=EARLIEST,
        le=LATEST,
        description="date of the first number in historical_data, YYYY-MM-DD",
        validate_default=True,
    )
    freq: Literal["D", "W", "MS"] | None = Field(
        None, description="step of historical_data: D days, W weeks, MS months", validate_default=True
    )
    periods: Whole = Field(14, ge=1, le=MOST_PERIODS, description=f"steps to forecast, 1 to {MOST_PERIODS}")
    confidence_level: float = Field(
        0.95,
        ge=LOWEST_LEVEL,
        le=HIGHEST_LEVEL,
        description=f"coverage of the interval, {LOWEST_LEVEL} to {HIGHEST_LEVEL}",
    )
    regressors: dict[Id, Future] = Field(
        {},
        max_length=MOST_REGRESSORS,
        description="known future values by regressor, one a period, in the training data's units",
    )

    @field_validator("historical_data")
    @classmethod
    def one_source(cls, value: list[float | None] | None, info: ValidationInfo) -> list[float | None] | None:
        """A forecast has one source, a known series or the given numbers; gaps are no numbers."""
        if "series_id" in info.data and (value is None) == (info.data["series_id"] is None):
            raise ValueError("give either series_id or historical_data with start and freq")
        if value is not None and sum(number is not None for number in value) < FEWEST_VALUES:
            raise ValueError(f"give at least {FEWEST_VALUES} numbers besides the gaps")
        return value

    @field_validator("start", "freq")
    @classmethod
    def dated(cls, value: date | str | None, info: ValidationInfo) -> date | str | None:
        """Numbers without dates have no season."""
        if "historical_data" in info.data and (value is None) != (info.data["historical_data"] is None):
            raise ValueError("start and freq go with historical_data: give all three or none")
        return value

    @field_validator("regressors")
    @classmethod
    def one_a_period(cls, value: dict[str, list[float]], info: ValidationInfo) -> dict[str, list[float]]:
        """Every regressor is known at every step; a history comes without its own past regressors."""
        if value and info.data.get("historical_data") is not None:
            raise ValueError("historical_data comes without past regressors; leave them out")
        periods = info.data.get("periods")
        wrong = [name for name, values in value.items() if periods is not None and len(values) != periods]
        if wrong:
            raise ValueError(f"give {periods} values for {wrong[0]}, one for each period")
        return value


def read(request: dict[str, Any]) -> ForecastRequest:
    """The request with its defaults filled in.

    Raises:
        BadRequest: A field is unknown, malformed or out of range, or the source of the forecast is not told.
    """
    return requests.read(ForecastRequest, request)


def future(ask: ForecastRequest, needed: Sequence[str]) -> dict[str, np.ndarray]:
    """The future values a series' forecaster needs, each of shape (periods,).

    Raises:
        MissingRegressor: One or more are not given; the message names all of them.
    """
    missing = [name for name in needed if name not in ask.regressors]
    if missing:
        names = ", ".join(missing)
        remedy = (
            f"this series was trained with {', '.join(needed)}; give {ask.periods} future values, one a period, for"
        )
        raise MissingRegressor("regressors", f"{names} missing: {remedy} {names}")
    return {name: np.array(ask.regressors[name], dtype=float) for name in needed}


def history(ask: ForecastRequest) -> np.ndarray:
    """The numbers to continue, null as NaN, shape (n,); gaps at the end are cut."""
    values = np.array(ask.historical_data, dtype=float)
    return values[: np.flatnonzero(np.isfinite(values))[-1] + 1]
