"""Recommendations over HTTP."""

from typing import Annotated, Literal

import bentoml
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from bentos.endpoint import endpoint
from bentos.predictor import Predictor
from bentos.questions import Question

ROUTE = "/api/v1/recommendations"
THREADS = 4
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Ask(Question):
    """Who wants to be recommended what."""

    user_id: Id = Field(description="id of the user, 1 to 128 characters; one we never saw is fine")
    n_recommendations: int = Field(10, ge=1, le=100, description="number of products, 1 to 100")
    exclude_items: list[Id] = Field([], max_length=1000, description="ids of products to leave out, at most 1000")
    mode: Literal["discover", "again"] = Field(
        "discover", description="discover: products new to the user; again: what was bought before counts too"
    )
    max_per_category: int | None = Field(None, ge=1, le=100, description="at most so many products of a category")
    min_new: int = Field(0, ge=0, le=100, description="at least so many products that are new, where there are any")


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


@endpoint(ROUTE, Ask)
@bentoml.service(name="recommender", workers=1, threads=THREADS, traffic={"timeout": 60})
class Recommender:
    """Products that a user may want, from the promoted recommender."""

    def __init__(self) -> None:
        self.predictor = Predictor("recommender", "recommender", THREADS)

    @bentoml.api(route=ROUTE, output_spec=Answer)
    def recommend(self, ask: Ask, /) -> Response:
        """Recommend products to a user."""
        asked = ask.model_dump()
        return self.predictor.answer(lambda model: model.answer(asked), asked, user_id=ask.user_id)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Lose no prediction on a normal stop."""
        self.predictor.close()
