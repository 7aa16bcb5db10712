"""Train the demand forecaster: read daily demand with its regressors, check, backtest, decide, fit, log."""

from datetime import datetime
from typing import Any

from prefect import flow, task

from features.demand import demand
from features.snapshot import Snapshot
from flows import ports
from flows.locks import one_at_a_time
from flows.progress import tell
from flows.training import WORLD, TrainingSet, check_contract, train, utc
from models.families import family


@task(**WORLD)
def read_demand(env: ports.Ports, as_of: datetime) -> Snapshot:
    """Daily demand of every series before `as_of`, as a hashed snapshot."""
    tell(0.02, "reading daily demand from ClickHouse")
    return demand(env.store, as_of, storage=env.storage)


def training_set(env: ports.Ports, as_of: datetime) -> TrainingSet:
    """What the forecaster learns from: daily demand that keeps its contract."""
    snapshot = read_demand(env, as_of)
    contract = check_contract("demand", snapshot)
    return TrainingSet(snapshot.frame(), snapshot, contract)


@flow(name="train-forecaster", validate_parameters=True, persist_result=True, result_serializer="json")
def train_forecaster(
    algorithm: str | None = None,
    as_of: datetime | None = None,
    params: dict[str, Any] | None = None,
    reuse: bool = False,
) -> dict[str, Any]:
    """Train one version of `demand-forecaster` on the days before `as_of` (default: now).

    With `reuse`, a version of the same recipe, rows and code is given back instead of training it again.
    """
    forecaster = family("demand-forecaster")
    recipe = forecaster.default_recipe(algorithm or forecaster.DEFAULT, **(params or {}))
    with one_at_a_time("train-demand-forecaster"):
        env = ports.connect()
        return train(env, "demand-forecaster", recipe, training_set(env, utc(as_of)), reuse)
