"""Answer in advance for everybody a model knows, and keep the answers in ClickHouse; a run broken off goes on."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

from prefect import flow, task

from features import batches
from features.batches import Answered, Batch
from features.store import Store
from flows import ports
from flows.errors import FlowsError
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.parameters import ModelName
from flows.progress import tell
from flows.retries import WORLD
from flows.training import utc
from models.errors import BadRequest
from models.families import family, models
from models.family import Model
from registry.errors import NoChampion
from registry.registry import Registry
from rollout.champions import Champions

LEASE_S = 60
"""How long a run that was killed keeps the next one waiting."""
CHUNK = 500
"""Answers written at a time: what a run that is broken off loses at most."""


class NoBatch(FlowsError):
    """The model answers only what somebody sends it."""


class NothingAnswered(FlowsError):
    """The model refused every request of its batch; the message has its words."""


@task(**WORLD)
def load(registry: Registry, model: str, version: int) -> Model:
    """The version's model, once its files are proven to be the registered ones."""
    tell(0.02, f"fetching {model} version {version} and checking its digest")
    with tempfile.TemporaryDirectory(prefix="agro-version-") as folder:
        return family(model).load(registry.download(model, version, Path(folder)))


@task(**WORLD)
def write(store: Store, batch: Batch, answers: Sequence[Answered]) -> int:
    """Keep a chunk of answers; writing it again adds nothing, so another try is safe."""
    return batches.insert(store, batch, answers).rows


@dataclass
class Tally:
    """What became of a batch's requests so far."""

    requests: int
    answered: int = 0
    known: int = 0
    refused: int = 0
    reason: str = ""

    @property
    def done(self) -> int:
        """Requests that are dealt with."""
        return self.answered + self.known + self.refused


def fill(store: Store, batch: Batch, model: Model) -> Tally:
    """Answer and write, a chunk at a time, the requests of a batch that the store does not hold yet.

    Raises:
        NothingAnswered: The model refused them all.
    """
    found, there = family(batch.model_name), batches.stored(store, batch)
    tally = Tally(sum(1 for _ in found.batch_requests(model)))
    for requests in chunks(found.batch_requests(model)):
        ids = batch.event_ids(requests)
        missing = [request for request, event_id in zip(requests, ids, strict=True) if event_id not in there]
        answers, refusals = answer(model, missing)
        tally.answered += write(store, batch, answers) if answers else 0
        tally.known += len(requests) - len(missing)
        tally.refused += len(refusals)
        tally.reason = tally.reason or next(map(str, refusals), "")
        tell(0.05 + 0.95 * tally.done / tally.requests, f"{batch.batch_id}: {tally.done:,} of {tally.requests:,}")
    if tally.refused == tally.requests:
        raise NothingAnswered(f"{batch.batch_id}: none of {tally.requests} requests can be answered: {tally.reason}")
    return tally


def answer(model: Model, requests: Sequence[dict[str, Any]]) -> tuple[list[Answered], list[BadRequest]]:
    """What the model says to each request, by the call that serves, and its reasons where it refuses."""
    answers, refusals = [], []
    for request in requests:
        try:
            answers.append(Answered(request, model.answer(request), datetime.now(UTC)))
        except BadRequest as exc:
            refusals.append(exc)
    return answers, refusals


def chunks(requests: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The requests, so many at a time."""
    while chunk := list(islice(requests, CHUNK)):
        yield chunk


def predict_one(
    champions: Champions, store: Store, model: str, version: int | None, as_of: datetime | None, batch_id: str | None
) -> dict[str, Any]:
    """One model's batch, from the registry to the store.

    Raises:
        NoBatch: The family answers nothing in advance.
        NoChampion: No version was asked for, and none is or was champion.
    """
    unit = family(model).unit
    if unit is None:
        raise NoBatch(
            f"{model} answers only what somebody sends it, nothing in advance; `agro serve {model}` serves it"
        )
    started = monotonic()
    number = champions.resolve(model, version, as_of)
    day = datetime.combine(utc(as_of).date(), time(), UTC)
    batch = Batch(batch_id or f"{model}-{number}-{day:%Y-%m-%d}", model, str(number), day, unit)
    tally = fill(store, batch, load(champions.registry, model, number))
    said = {"model": model, "version": number, "batch_id": batch.batch_id, "as_of": day.isoformat()}
    return said | asdict(tally) | {"seconds": round(monotonic() - started, 1)}


@flow(name="predict", validate_parameters=True, **ALERTING)
def predict(
    model: ModelName | None = None,
    version: int | None = None,
    as_of: datetime | None = None,
    batch_id: str | None = None,
) -> dict[str, Any]:
    """Answer in advance for every user or series that a model knows, or that any champion knows.

    A batch is of one version and one day. What is there of it is not answered again, so a run that was broken off goes
    on with what is missing, and a run after a whole one adds nothing.

    Args:
        model: A registered model; None: each that has a champion and a batch.
        version: A version of that model; None: its champion.
        as_of: A past moment, UTC, whose batch is wanted, by the champion of that moment; None: today's.
        batch_id: Name of the batch; None: made of model, version and day.
    """
    as_of = utc(as_of) if as_of else None
    with one_at_a_time("predict", LEASE_S):
        champions, (store, _) = ports.connect_champions(), ports.connect_store()
        if model:
            return {"batches": [predict_one(champions, store, model, version, as_of, batch_id)]}
        names = [name for name, one in models().items() if one.in_advance]
        rows = [_if_it_can(champions, store, name, as_of, batch_id) for name in names]
    return {"batches": [row for row in rows if row]}


def _if_it_can(
    champions: Champions, store: Store, model: str, as_of: datetime | None, batch_id: str | None
) -> dict[str, Any] | None:
    """A champion's batch, or why it has none; None without a champion. One model does not stop the others."""
    try:
        return predict_one(champions, store, model, None, as_of, batch_id)
    except NoChampion:
        return None
    except NothingAnswered as exc:
        return {"model": model, "reason": str(exc)}
