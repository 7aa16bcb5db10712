"""Train a version of a model: read, check, evaluate, decide, fit, log. Every registered model has a flow of its own.

The flow of a model is an attribute of this module: `train_recommender` where its record says `train-recommender`. It is
made when it is first asked for, since its parameters are those of the model's family.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Literal

from prefect import Flow, flow
from pydantic import BaseModel

from flows import ports, training
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.parameters import changed, hyperparameters
from flows.training import utc
from flows.training_report import published
from flows.training_set import training_set
from models.families import family, models, registered

_SAID = """Train one version of `{model}` on what had happened before `as_of` (default: now).

Args:
    algorithm: An algorithm of the family.
    as_of: Learn only from what happened before this moment, UTC; now by default.
    params: Hyperparameters; what is left as it is has the algorithm's default, or is chosen on training rows.
    reuse: Give back a version of the same recipe, rows and code instead of training it again.
"""


def train(
    model: str, algorithm: str, as_of: datetime | None, params: BaseModel | Mapping[str, Any], reuse: bool
) -> dict[str, Any]:
    """What every training flow does."""
    recipe = family(model).default_recipe(algorithm, **changed(params))
    with one_at_a_time(registered(model).slot):
        env = ports.connect()
        return published(env, training.train(env, model, recipe, training_set(env, model, utc(as_of)), reuse))


@cache
def flow_of(model: str) -> Flow[..., dict[str, Any]]:
    """The training flow of a model, its parameters typed by the family's algorithms and hyperparameters."""
    found, form = family(model), hyperparameters(family(model))
    defaults = form()

    def training_flow(
        algorithm: str = found.default,
        as_of: datetime | None = None,
        params: Any = defaults,
        reuse: bool = False,
    ) -> dict[str, Any]:
        return train(model, algorithm, as_of, params, reuse)

    training_flow.__name__ = training_flow.__qualname__ = _attribute(registered(model).flow)
    training_flow.__doc__ = _SAID.format(model=model)
    training_flow.__annotations__ |= {"algorithm": Literal[tuple(found.algorithms)], "params": form}
    options: dict[str, Any] = {"persist_result": True, "result_serializer": "json", **ALERTING}
    return flow(name=registered(model).flow, validate_parameters=True, **options)(training_flow)


def _attribute(flow_name: str) -> str:
    return flow_name.replace("-", "_")


def __getattr__(name: str) -> Flow[..., dict[str, Any]]:
    """The training flow that a deployment names as its entry point."""
    for record in models().values():
        if _attribute(record.flow) == name:
            return flow_of(record.name)
    raise AttributeError(f"module {__name__} has no attribute {name!r}")
