"""Train the leaf-disease CNN: read photographs, check, evaluate on the held-out ones, decide, fit, log."""

from datetime import datetime
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
from models.disease.family import FAMILY
from models.disease.leaves import LeafData

if TYPE_CHECKING:
    Algorithm = str
    Hyperparameters = BaseModel
else:
    Algorithm = Literal[tuple(FAMILY.algorithms)]
    Hyperparameters = hyperparameters(FAMILY)
DEFAULTS = Hyperparameters()


@task(**WORLD)
def read_leaves(env: ports.Ports, as_of: datetime) -> Snapshot:
    """Labels and places of the photographs before `as_of`, as a hashed snapshot."""
    tell(0.02, "reading leaf photographs")
    return find("leaves").open().snapshot(env.store, as_of, storage=env.storage)


def training_set(env: ports.Ports, as_of: datetime) -> TrainingSet:
    """What the network learns from: labelled photographs that keep their contract."""
    snapshot = read_leaves(env, as_of)
    contract = check_contract("leaves", snapshot)
    return TrainingSet(LeafData(snapshot.frame()), snapshot, contract)


@flow(name="train-leaf-disease", validate_parameters=True, persist_result=True, result_serializer="json", **ALERTING)
def train_leaf_disease(
    algorithm: Algorithm = FAMILY.default,
    as_of: datetime | None = None,
    params: Hyperparameters = DEFAULTS,
    reuse: bool = False,
) -> dict[str, Any]:
    """Train one version of `leaf-disease` on the photographs from before `as_of` (default: now).

    Args:
        algorithm: An algorithm of the family.
        as_of: Learn only from what happened before this moment, UTC; now by default.
        params: Hyperparameters; what is left as it is has the algorithm's default, or is chosen on training rows.
        reuse: Give back a version of the same recipe, rows and code instead of training it again.
    """
    recipe = FAMILY.default_recipe(algorithm, **changed(params))
    with one_at_a_time("train-leaf-disease"):
        env = ports.connect()
        return published(env, train(env, FAMILY.name, recipe, training_set(env, utc(as_of)), reuse))
