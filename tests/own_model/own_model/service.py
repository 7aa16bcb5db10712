import bentoml
from pydantic import BaseModel
from starlette.responses import Response

from bentos.endpoint import endpoint
from bentos.predictor import Predictor
from bentos.questions import Question
from own_model import MODEL


class Ask(Question):
    """Which field."""

    field_id: str


class Answer(BaseModel):
    """Its moisture in per cent."""

    field_id: str
    moisture: float
    model_version: str
    arm: str
    prediction_id: str


@endpoint({MODEL.route: Ask})
@bentoml.service(name="soil-moisture", workers=1, threads=4)
class SoilMoisture:
    """Moisture of a field as it was lately."""

    def __init__(self):
        self.predictors = {MODEL.route: Predictor("soil-moisture", MODEL.name, 4)}

    @bentoml.api(route=MODEL.route, output_spec=Answer)
    def moisture(self, ask: Ask, /) -> Response:
        """The moisture to expect."""
        asked = ask.model_dump()
        return self.predictors[MODEL.route].answer(lambda model: model.answer(asked), asked)

    @bentoml.on_shutdown
    def close(self):
        self.predictors[MODEL.route].close()
