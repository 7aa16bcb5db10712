"""A prediction: an answer that was given, as a line of a file and as a row of its table."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

_TIME = pa.timestamp("ms", "UTC")


@dataclass(frozen=True)
class Prediction:
    """One answer, what it was asked and which model gave it."""

    prediction_id: str
    service: str
    model_name: str
    model_version: str
    arm: str
    user_id: str
    request: dict[str, Any]
    response: dict[str, Any]
    latency_ms: float
    predicted_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    traceparent: str = ""
    """The trace that the request belongs to, where its caller told one (W3C Trace Context)."""

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self) | {"predicted_at": self.predicted_at.isoformat()}, default=str)

    @classmethod
    def from_line(cls, line: str) -> "Prediction":
        """The prediction of such a line; ValueError, KeyError or TypeError where it is not one."""
        said = json.loads(line)
        return cls(**said | {"predicted_at": datetime.fromisoformat(said["predicted_at"])})


def as_rows(batch: Sequence[Prediction]) -> pa.Table:
    """Predictions as rows of their table."""
    texts = ("prediction_id", "service", "model_name", "model_version", "arm", "user_id", "traceparent")
    columns = {name: pa.array([str(getattr(each, name)) for each in batch], pa.string()) for name in texts}
    bodies = {
        name: pa.array([json.dumps(getattr(each, name), default=str) for each in batch], pa.string())
        for name in ("request", "response")
    }
    times = {
        "event_time": moments([each.predicted_at for each in batch]),
        "ingested_at": moments([datetime.now(UTC)] * len(batch)),
    }
    latency = pa.array([float(each.latency_ms) for each in batch], pa.float64())
    return pa.table({"event_id": columns["prediction_id"], **times, **columns, **bodies, "latency_ms": latency})


def moments(values: list[datetime]) -> pa.Array:
    """Times as the store keeps them: UTC, to the millisecond."""
    return pa.array(values, pa.timestamp("us", "UTC")).cast(_TIME, safe=False)
