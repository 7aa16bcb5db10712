"""Recommendations over HTTP."""

import bentoml
from pydantic import BaseModel, Field
from starlette.responses import Response

from bentos.endpoint import endpoint
from bentos.predictor import Predictor
from bentos.questions import Question
from models.families import registered
from models.recommendation.requests import RecommendationRequest

ROUTE = registered("recommender").route
THREADS = 4


class Ask(Question, RecommendationRequest):
    """Who wants to be recommended what."""


class Recommendation(BaseModel):
    """One product."""

    product_id: str
    score: float = Field(description="unitless, larger is better, comparable within one answer")
    reason: str


class Answer(BaseModel):
    """The products, best first."""

    user_id: str
    recommendations: list[Recommendation]
    model_version: str
    arm: str
    prediction_id: str = Field(description="send it back with the events that this answer causes")


@endpoint({ROUTE: Ask})
@bentoml.service(name="recommender", workers=1, threads=THREADS, traffic={"timeout": 60})
class Recommender:
    """Products that a user may want, from the promoted recommender."""

    def __init__(self) -> None:
        self.predictors = {ROUTE: Predictor("recommender", "recommender", THREADS)}

    @bentoml.api(route=ROUTE, output_spec=Answer)
    def recommend(self, ask: Ask, /) -> Response:
        """Recommend products to a user."""
        asked = ask.model_dump()
        return self.predictors[ROUTE].answer(lambda model: model.answer(asked), asked, user_id=ask.user_id)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Lose no prediction on a normal stop."""
        self.predictors[ROUTE].close()
