"""Train the recommender: read purchases, check, evaluate, decide, fit, log."""

from datetime import UTC, datetime
from typing import Any

from prefect import flow, task

from features import interactions
from features.snapshot import Snapshot
from flows import ports
from flows.locks import one_at_a_time
from flows.progress import tell
from flows.training import WORLD, TrainingSet, check_contract, train, utc
from models.families import family
from models.recommendation.data import RecommenderData


@task(**WORLD)
def read_interactions(env: ports.Ports, as_of: datetime) -> tuple[Snapshot, Snapshot]:
    """Every interaction before `as_of`, and the catalogue, as hashed snapshots of what is known now."""
    tell(0.02, "reading interactions from ClickHouse")
    known_at = datetime.now(UTC)
    return (
        interactions.interactions(env.store, as_of, known_at, env.storage),
        interactions.catalogue(env.store, as_of, known_at, env.storage),
    )


def training_set(env: ports.Ports, as_of: datetime) -> TrainingSet:
    """What the recommender learns from: interactions that keep their contract, and the catalogue."""
    snapshot, catalogue = read_interactions(env, as_of)
    contract = check_contract("interactions", snapshot)
    return TrainingSet(RecommenderData(snapshot.frame(), catalogue.frame()), snapshot, contract, catalogue)


@flow(name="train-recommender", validate_parameters=True, persist_result=True, result_serializer="json")
def train_recommender(
    algorithm: str | None = None,
    as_of: datetime | None = None,
    params: dict[str, Any] | None = None,
    reuse: bool = False,
) -> dict[str, Any]:
    """Train one version of `recommender` on what had happened before `as_of` (default: now).

    With `reuse`, a version of the same recipe, rows and code is given back instead of training it again.
    """
    recommender = family("recommender")
    recipe = recommender.default_recipe(algorithm or recommender.DEFAULT, **(params or {}))
    with one_at_a_time("train-recommender"):
        env = ports.connect()
        return train(env, "recommender", recipe, training_set(env, utc(as_of)), reuse)
