"""Demand forecasts over HTTP."""

import bentoml
from pydantic import BaseModel, Field
from starlette.responses import Response

from bentos.endpoint import endpoint
from bentos.predictor import Predictor
from bentos.questions import Question
from models.families import registered
from models.forecasting.requests import ForecastRequest

ROUTE = registered("demand-forecaster").route
THREADS = 2


class Ask(Question, ForecastRequest):
    """Which series to forecast, or its history, and how far."""


class Point(BaseModel):
    """One step of the forecast, in the series' own unit."""

    ds: str = Field(description="date of the step")
    yhat: float = Field(description="expected value, in the series' own unit")
    lower: float = Field(description="lower end of the interval, in the series' own unit")
    upper: float = Field(description="upper end of the interval, in the series' own unit")


class Answer(BaseModel):
    """The forecast, step by step."""

    points: list[Point]
    algorithm: str
    model_version: str
    arm: str
    prediction_id: str


@endpoint({ROUTE: Ask})
@bentoml.service(name="forecaster", workers=1, threads=THREADS, traffic={"timeout": 60})
class Forecaster:
    """Demand in the days to come, from the promoted forecaster."""

    def __init__(self) -> None:
        self.predictors = {ROUTE: Predictor("forecaster", "demand-forecaster", THREADS)}

    @bentoml.api(route=ROUTE, output_spec=Answer)
    def forecast(self, ask: Ask, /) -> Response:
        """Forecast a series with its interval."""
        asked = ask.model_dump(mode="json", exclude_none=True)
        return self.predictors[ROUTE].answer(lambda model: model.answer(asked), asked)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Lose no prediction on a normal stop."""
        self.predictors[ROUTE].close()
