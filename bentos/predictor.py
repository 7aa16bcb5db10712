"""Behind an endpoint: holds the model, answers with it in a worker thread, and logs what it said."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response

from base.ids import new_id
from bentos.errors import BentoRefused
from bentos.loading import Loaded, load
from bentos.settings import ServingSettings
from models.errors import BadRequest, HistoryTooShort
from web.problems import FieldError, Problem, busy, fault, invalid
from web.request_ids import REQUEST_ID, TRACEPARENT

log = logging.getLogger("bentoml.agrologistic")  # BentoML's own handler prints what is under its name
STAMPS = ("model_version", "arm", "prediction_id")
"""What every answer carries besides the model's own words."""
PATIENCE_S = 1.0
"""Longest wait for a place; BentoML hands over no more requests than there are, unless some were given up."""
LOGGED: ContextVar[bool] = ContextVar("logged", default=True)
"""Whether the answer counts as a prediction; one to a check does not."""


class Predictor:
    """One model of one version behind one endpoint.

    Files that are refused leave it without a model instead of ending the process: the service then says over HTTP
    why it is not ready, and nothing else answers in its place.

    Args:
        service: Name of the service, for the log.
        model: The registered model that it answers with.
        threads: Requests that it answers at a time.
        settings: The service's settings; from the environment by default.
    """

    def __init__(self, service: str, model: str, threads: int, settings: ServingSettings | None = None) -> None:
        self.service = service
        self._places = threading.BoundedSemaphore(threads)
        self.settings = settings or ServingSettings()
        self.loaded: Loaded | None = None
        self.given = not self.settings.digests or model in self.settings.digests
        """Whether this process was given a version of the model; another model of its service may have none yet."""
        self.refusal = "" if self.given else f"no version of {model} serves; serve one: `agro serve {model}`"
        try:
            if self.given:
                self.loaded = load(self._folder(model), model, self.settings.digests.get(model, ""))
        except BentoRefused as exc:
            self.refusal = str(exc)
            log.error("%s is not ready: %s", service, exc)
        self.log = self._prediction_log() if self.settings.log_predictions else None

    def status(self) -> dict[str, Any]:
        """What is loaded, or why nothing is."""
        if self.loaded is None:
            return {"ready": False, "service": self.service, "reason": self.refusal}
        manifest = self.loaded.manifest
        return {
            "ready": True,
            "service": self.service,
            "model": manifest.model,
            "model_version": manifest.version,
            "digest": manifest.digest,
            "arm": self.settings.arm,
        }

    def answer(self, ask: Callable[[Any], dict[str, Any]], logged: Mapping[str, Any], *, user_id: str = "") -> Response:
        """The model's answer with its version, arm and a new prediction id, or the problem that stands in its way.

        Args:
            ask: Asks the model it is given, and returns what it says.
            logged: What the prediction log keeps of the request.
            user_id: Who it is for, where it is for somebody.
        """
        started, predicted_at = time.perf_counter(), datetime.now(UTC)
        try:
            body = self._in_turn(ask)
            response = JSONResponse(body)
        except Problem as problem:
            return problem.response(REQUEST_ID.get())
        except Exception:
            log.exception("request %s failed in %s", REQUEST_ID.get(), self.service)
            return fault().response(REQUEST_ID.get())
        self._keep(user_id, logged, body, (time.perf_counter() - started) * 1000, predicted_at)
        return response

    def close(self) -> None:
        """Send what the prediction log still holds."""
        if self.log is not None:
            self.log.close()

    def _in_turn(self, ask: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Answer in one of its places.

        A thread whose caller was told that it took too long cannot be stopped; it keeps its place until it is done, so
        that impatient callers never make more work run than there are places.
        """
        if not self._places.acquire(timeout=PATIENCE_S):
            raise busy("every worker still computes; try again in a second")
        try:
            return self._said(ask)
        finally:
            self._places.release()

    def _said(self, ask: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        assert self.loaded is not None  # noqa: S101 - the endpoint lets nobody in before
        try:
            said = ask(self.loaded.model)
        except BadRequest as exc:
            raise invalid(FieldError(exc.field, exc.remedy), status=getattr(exc, "status", 422)) from exc
        except HistoryTooShort as exc:
            raise invalid(FieldError("historical_data", str(exc))) from exc
        stamp = {"model_version": self.loaded.manifest.version, "arm": self.settings.arm}
        return {**said, **stamp, "prediction_id": new_id()}

    def _keep(
        self, user_id: str, asked: Mapping[str, Any], body: dict[str, Any], latency_ms: float, at: datetime
    ) -> None:
        if self.log is None or self.loaded is None or not LOGGED.get():
            return
        from features.predictions import Prediction

        manifest = self.loaded.manifest
        said = {key: value for key, value in body.items() if key not in STAMPS}
        self.log.write(
            Prediction(
                prediction_id=body["prediction_id"],
                service=self.service,
                model_name=manifest.model,
                model_version=manifest.version,
                arm=self.settings.arm,
                user_id=user_id,
                request=dict(asked),
                response=said,
                latency_ms=latency_ms,
                predicted_at=at,
                traceparent=TRACEPARENT.get(),
            )
        )

    def _prediction_log(self) -> Any:
        from features.prediction_log import PredictionLog
        from features.settings import ClickHouseSettings

        return PredictionLog(ClickHouseSettings(), self.service, self.settings.spool)

    def _folder(self, model: str) -> Path:
        return self.settings.folders.get(model) or Path(__file__).parent.parent
