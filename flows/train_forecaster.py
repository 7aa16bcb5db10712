"""Train the demand forecaster: read daily demand with its regressors, check, backtest, decide, fit, log."""

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
from models.forecasting.family import FAMILY

if TYPE_CHECKING:
    Algorithm = str
    Hyperparameters = BaseModel
else:
    Algorithm = Literal[tuple(FAMILY.algorithms)]
    Hyperparameters = hyperparameters(FAMILY)
DEFAULTS = Hyperparameters()


@task(**WORLD)
def read_demand(env: ports.Ports, as_of: datetime) -> Snapshot:
    """Daily demand of every series before `as_of`, as a hashed snapshot."""
    tell(0.02, "reading daily demand from ClickHouse")
    return find("demand").open().snapshot(env.store, as_of, storage=env.storage)


def training_set(env: ports.Ports, as_of: datetime) -> TrainingSet:
    """What the forecaster learns from: daily demand that keeps its contract."""
    snapshot = read_demand(env, as_of)
    contract = check_contract("demand", snapshot)
    return TrainingSet(snapshot.frame(), snapshot, contract)


@flow(name="train-forecaster", validate_parameters=True, persist_result=True, result_serializer="json", **ALERTING)
def train_forecaster(
    algorithm: Algorithm = FAMILY.default,
    as_of: datetime | None = None,
    params: Hyperparameters = DEFAULTS,
    reuse: bool = False,
) -> dict[str, Any]:
    """Train one version of `demand-forecaster` on the days before `as_of` (default: now).

    Args:
        algorithm: An algorithm of the family.
        as_of: Learn only from what happened before this moment, UTC; now by default.
        params: Hyperparameters; what is left as it is has the algorithm's default, or is chosen on training rows.
        reuse: Give back a version of the same recipe, rows and code instead of training it again.
    """
    recipe = FAMILY.default_recipe(algorithm, **changed(params))
    with one_at_a_time("train-demand-forecaster"):
        env = ports.connect()
        return published(env, train(env, FAMILY.name, recipe, training_set(env, utc(as_of)), reuse))
