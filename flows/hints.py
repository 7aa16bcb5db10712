"""Receives MLflow's hints: a person moved `champion`, and the flow that brings it to traffic starts at once.

python -m flows.hints

A hint may be lost without harm: a reconciler compares every minute what is champion with what serves. One that comes
twice starts one run, since Prefect is given the delivery's id and knows it again.
"""

import logging
import sys
import time
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, Field, SecretStr, ValidationError

from flows.prefect_runs import Missing, start_once
from flows.settings import WebhookSettings
from models.families import models
from registry.hints import DELIVERY, SIGNATURE, Hint, Signed, Unsigned, signed
from registry.records import CHAMPION
from web.apps import JsonBody, service
from web.bodies import expect
from web.problems import FieldError, Problem, busy, invalid
from web.remedies import field_errors

DEPLOYMENT = "promote/promote-champion"
PATH = "/hints"
log = logging.getLogger("flows.hints")


class Answer(BaseModel):
    """What was done about a hint."""

    outcome: str = Field(description="started, known (it came before), ignored (it concerns nobody), or not started")


class SignedBody(JsonBody):
    """Reads a body that MLflow signed a moment ago."""

    def __init__(self, secret: SecretStr, window_s: float) -> None:
        super().__init__(Hint)
        self.secret, self.window_s = secret.get_secret_value(), window_s

    async def __call__(self, request: Request) -> Signed:
        """The body, not looked into yet."""
        expect(request.headers, self.reads)
        try:
            return signed(request.headers, await request.body(), self.secret, time.time(), self.window_s)
        except Unsigned as exc:
            raise Problem(401, "unsigned", str(exc), (FieldError(SIGNATURE, str(exc)),)) from exc


def application(settings: WebhookSettings, secret: SecretStr) -> FastAPI:
    """The receiver.

    Args:
        settings: Its names and bounds.
        secret: What MLflow signs with.
    """
    app = service("hints", settings, _ready)

    @app.post(PATH)
    def take(said: Annotated[Signed, Depends(SignedBody(secret, settings.window_s))]) -> Answer:
        return Answer(outcome=_act(said))

    return app


async def _ready() -> dict[str, Any]:
    return {"ready": True, "starts": DEPLOYMENT}


def _act(said: Signed) -> str:
    """Start the flow where the hint concerns a champion of ours."""
    try:
        moved = Hint.model_validate_json(said.body).data
    except ValidationError as exc:
        raise invalid(*field_errors(exc, Hint)) from exc
    if moved.alias != CHAMPION or moved.name not in models():
        return "ignored"
    outcome = _start(moved.name, said.delivery)
    log.info("champion of %s moved to version %s: %s", moved.name, moved.version, outcome)
    return outcome


def _start(model: str, delivery: str) -> str:
    import httpx

    try:
        return "started" if start_once(DEPLOYMENT, {"model": model}, f"hint {delivery}") else "known"
    except Missing as exc:
        log.warning("%s; the reconciler will do it", exc)
        return "not started"
    except httpx.HTTPError as exc:
        raise busy(f"Prefect does not answer ({type(exc).__name__}); {DELIVERY} may come again") from exc


def main() -> None:
    """Listen until told to stop."""
    import uvicorn

    from registry.settings import MLflowSettings

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = WebhookSettings()
    app = application(settings, MLflowSettings().webhook_secret)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
