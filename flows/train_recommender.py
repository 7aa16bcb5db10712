"""Train the recommender: read purchases, check, evaluate, decide, fit, log."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from prefect import flow, task
from pydantic import BaseModel

from features.kinds import find
from features.snapshot import Snapshot
from flows import ports
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.parameters import changed, hyperparameters
from flows.progress import tell
from flows.training import WORLD, TrainingSet, check_contract, train, utc
from flows.training_report import published
from models.recommendation.data import RecommenderData
from models.recommendation.family import FAMILY

if TYPE_CHECKING:
    Algorithm = str
    Hyperparameters = BaseModel
else:
    Algorithm = Literal[tuple(FAMILY.algorithms)]
    Hyperparameters = hyperparameters(FAMILY)
DEFAULTS = Hyperparameters()


@task(**WORLD)
def read_interactions(env: ports.Ports, as_of: datetime) -> tuple[Snapshot, Snapshot]:
    """Every interaction before `as_of`, and the catalogue, as hashed snapshots of what is known now."""
    tell(0.02, "reading interactions from ClickHouse")
    known_at = datetime.now(UTC)
    return (
        find("interactions").open().snapshot(env.store, as_of, known_at, env.storage),
        find("catalogue").open().snapshot(env.store, as_of, known_at, env.storage),
    )


def training_set(env: ports.Ports, as_of: datetime) -> TrainingSet:
    """What the recommender learns from: interactions that keep their contract, and the catalogue."""
    snapshot, catalogue = read_interactions(env, as_of)
    contract = check_contract("interactions", snapshot)
    return TrainingSet(RecommenderData(snapshot.frame(), catalogue.frame()), snapshot, contract, catalogue)


@flow(name="train-recommender", validate_parameters=True, persist_result=True, result_serializer="json", **ALERTING)
def train_recommender(
    algorithm: Algorithm = FAMILY.default,
    as_of: datetime | None = None,
    params: Hyperparameters = DEFAULTS,
    reuse: bool = False,
) -> dict[str, Any]:
    """Train one version of `recommender` on what had happened before `as_of` (default: now).

    Args:
        algorithm: An algorithm of the family.
        as_of: Learn only from what happened before this moment, UTC; now by default.
        params: Hyperparameters; what is left as it is has the algorithm's default, or is chosen on training rows.
        reuse: Give back a version of the same recipe, rows and code instead of training it again.
    """
    recipe = FAMILY.default_recipe(algorithm, **changed(params))
    with one_at_a_time("train-recommender"):
        env = ports.connect()
        return published(env, train(env, FAMILY.name, recipe, training_set(env, utc(as_of)), reuse))
