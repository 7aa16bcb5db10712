"""Batches of answers given in advance: which are there, and adding what is missing, each once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from features.event_ids import content_ids
from features.predictions import moments
from features.sql import query
from features.store import Inserted, Store

_PERSON = "user_id"


@dataclass(frozen=True)
class Batch:
    """The answers of one version for one moment.

    Attributes:
        batch_id: What readers ask for.
        model_name: Registered model.
        model_version: Its version.
        as_of: The moment that the batch stands for, with a zone.
        unit: The field of a request that says whom the answer is for; `user_id` makes it a person's.
    """

    batch_id: str
    model_name: str
    model_version: str
    as_of: datetime
    unit: str

    def event_ids(self, requests: Sequence[dict[str, Any]]) -> list[str]:
        """The ids that the answers to these requests have in this batch, whenever they are given."""
        origin = [self.model_name, self.model_version, self.batch_id]
        columns = [pa.array([text] * len(requests), pa.string()) for text in origin]
        asked = pa.array([json.dumps(request, sort_keys=True) for request in requests], pa.string())
        return content_ids([*columns, asked], "batch_predictions").to_pylist()


@dataclass(frozen=True)
class Answered:
    """A request, what the model said, and when."""

    request: dict[str, Any]
    response: dict[str, Any]
    at: datetime


def stored(store: Store, batch: Batch) -> set[str]:
    """Ids of the answers that the store holds of a batch."""
    asked = {name: getattr(batch, name) for name in ("model_name", "model_version", "batch_id")}
    return set(store.arrow(query("batch_event_ids"), asked)["event_id"].to_pylist())


def insert(store: Store, batch: Batch, answers: Sequence[Answered]) -> Inserted:
    """Add the answers that the batch does not hold yet."""
    return store.insert("batch_predictions", as_rows(batch, answers))


def as_rows(batch: Batch, answers: Sequence[Answered]) -> pa.Table:
    """Answers as rows of their table."""
    count, units = len(answers), [str(each.request[batch.unit]) for each in answers]
    texts = {
        "event_id": batch.event_ids([each.request for each in answers]),
        "batch_id": [batch.batch_id] * count,
        "model_name": [batch.model_name] * count,
        "model_version": [batch.model_version] * count,
        "unit": units,
        "user_id": units if batch.unit == _PERSON else [""] * count,
        "request": [json.dumps(each.request) for each in answers],
        "response": [json.dumps(each.response) for each in answers],
    }
    times = {
        "event_time": [each.at for each in answers],
        "ingested_at": [datetime.now(UTC)] * count,
        "as_of": [batch.as_of] * count,
    }
    columns = {name: pa.array(values, pa.string()) for name, values in texts.items()}
    return pa.table(columns | {name: moments(values) for name, values in times.items()})
