"""Leaf diseases over HTTP."""

import hashlib

import bentoml
from pydantic import BaseModel, Field
from starlette.responses import Response

from bentos.endpoint import endpoint
from bentos.predictor import Predictor
from bentos.questions import Upload
from models.disease.imaging import Limits
from models.families import registered

ROUTE = registered("leaf-disease").route
THREADS = 2


class Photo(Upload):
    """A photograph of a leaf."""

    file: bytes = Field(
        description="JPEG or PNG photograph of one leaf", json_schema_extra={"type": "string", "format": "binary"}
    )


class Guess(BaseModel):
    """A label of the model and how likely it is."""

    label: str
    probability: float = Field(description="calibrated probability, 0 to 1")


class Answer(BaseModel):
    """What the leaf has, or "unsure", and what helps."""

    predicted_disease: str
    confidence: float = Field(description="calibrated probability, 0 to 1")
    top_predictions: list[Guess]
    treatment: str
    prevention: str
    source: str
    model_version: str
    arm: str
    prediction_id: str


@endpoint({ROUTE: Photo})
@bentoml.service(name="leaf-disease", workers=1, threads=THREADS, traffic={"timeout": 60})
class LeafDisease:
    """What a photographed leaf has, from the promoted leaf-disease model."""

    def __init__(self) -> None:
        self.predictors = {ROUTE: Predictor("leaf-disease", "leaf-disease", THREADS)}

    @bentoml.api(route=ROUTE, output_spec=Answer)
    def detect(self, photo: Photo, /) -> Response:
        """Name the disease on a photograph."""
        limits = Limits(max_bytes=self.predictors[ROUTE].settings.max_upload_bytes)
        kept = {"sha256": hashlib.sha256(photo.file).hexdigest(), "bytes": len(photo.file)}
        return self.predictors[ROUTE].answer(lambda model: model.answer_image(photo.file, limits), kept)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Lose no prediction on a normal stop."""
        self.predictors[ROUTE].close()
