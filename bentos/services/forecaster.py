"""Demand forecasts over HTTP."""

from datetime import date
from typing import Annotated, Literal

import bentoml
from pydantic import BaseModel, Field, StringConstraints, ValidationInfo, field_validator
from starlette.responses import Response

from bentos.endpoint import endpoint
from bentos.predictor import Predictor
from bentos.questions import Question

ROUTE = "/api/v1/forecast"
THREADS = 2
MIN_HISTORY, MAX_HISTORY = 10, 10_000
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Amount = Annotated[float, Field(ge=-1e12, le=1e12)]
Future = Annotated[list[Amount], Field(min_length=1, max_length=365)]


class Ask(Question):
    """Which series to forecast, or its history, and how far."""

    series_id: Name | None = Field(None, description="id of a series that the model was trained on")
    historical_data: list[Amount | None] | None = Field(
        None,
        min_length=MIN_HISTORY,
        max_length=MAX_HISTORY,
        description=f"the series, oldest first, in its own unit, {MIN_HISTORY} to {MAX_HISTORY} numbers, null: gap",
        validate_default=True,
    )
    start: date | None = Field(
        None,
        ge=date(1900, 1, 1),
        le=date(2200, 1, 1),
        description="date of the first number in historical_data, YYYY-MM-DD",
        validate_default=True,
    )
    freq: Literal["D", "W", "MS"] | None = Field(
        None,
        description="step of historical_data: D days, W weeks, MS months",
        validate_default=True,
    )
    periods: int = Field(14, ge=1, le=365, description="steps to forecast, 1 to 365")
    confidence_level: float = Field(0.95, ge=0.5, le=0.99, description="coverage of the interval, 0.5 to 0.99")
    regressors: dict[Name, Future] = Field(
        {}, max_length=20, description="known future values by regressor, one a period, in the training data's units"
    )

    @field_validator("historical_data")
    @classmethod
    def one_source(cls, value: list[float | None] | None, info: ValidationInfo) -> list[float | None] | None:
        """A forecast has one source: a known series or the given numbers."""
        if (value is None) == (info.data.get("series_id") is None):
            raise ValueError("give either series_id or historical_data with start and freq")
        return value

    @field_validator("start", "freq")
    @classmethod
    def dated(cls, value: date | str | None, info: ValidationInfo) -> date | str | None:
        """Numbers without dates have no season."""
        if (value is None) != (info.data.get("historical_data") is None):
            raise ValueError("start and freq go with historical_data: give all three or none")
        return value

    @field_validator("regressors")
    @classmethod
    def one_a_period(cls, value: dict[str, list[float]], info: ValidationInfo) -> dict[str, list[float]]:
        """Every regressor is known at every step."""
        periods = info.data.get("periods")
        wrong = [name for name, values in value.items() if periods is not None and len(values) != periods]
        if wrong:
            raise ValueError(f"give {periods} values for {wrong[0]}, one for each period")
        return value


class Point(BaseModel):
    """One step of the forecast, in the series' own unit."""

    ds: str = Field(description="date of the step")
    yhat: float
    lower: float
    upper: float


class Answer(BaseModel):
    """The forecast, step by step."""

    points: list[Point]
    algorithm: str
    model_version: str
    arm: str
    prediction_id: str


@endpoint(ROUTE, Ask)
@bentoml.service(name="forecaster", workers=1, threads=THREADS, traffic={"timeout": 60})
class Forecaster:
    """Demand in the days to come, from the promoted forecaster."""

    def __init__(self) -> None:
        self.predictor = Predictor("forecaster", "demand-forecaster", THREADS)

    @bentoml.api(route=ROUTE, output_spec=Answer)
    def forecast(self, ask: Ask, /) -> Response:
        """Forecast a series with its interval."""
        asked = ask.model_dump(mode="json", exclude_none=True)
        return self.predictor.answer(lambda model: model.answer(asked), asked)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Lose no prediction on a normal stop."""
        self.predictor.close()
