"""The flows by name, without importing them until one is wanted."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from flows.errors import FlowUnknown
from models.families import registered

FLOWS = {
    "ingest": ("flows.ingest", "ingest"),
    "train-recommender": ("flows.train_recommender", "train_recommender"),
    "train-forecaster": ("flows.train_forecaster", "train_forecaster"),
    "train-leaf-disease": ("flows.train_leaf_disease", "train_leaf_disease"),
    "package": ("flows.package", "package"),
    "drift": ("flows.drift", "drift"),
    "tune": ("flows.tune", "tune"),
    "predict": ("flows.predict", "predict"),
    "reproduce": ("flows.reproduce", "reproduce"),
}


def find(name: str) -> Callable[..., dict[str, Any]]:
    """The flow of that name; importing it imports Prefect.

    Raises:
        FlowUnknown: No flow carries that name.
    """
    if name not in FLOWS:
        raise FlowUnknown(f"flow {name!r} is not known; choose one of {', '.join(FLOWS)}")
    module, attribute = FLOWS[name]
    return getattr(import_module(module), attribute)


def training_set_of(model: str) -> Callable[..., Any]:
    """The reader of what a model learns from, the one that its training flow uses."""
    module, _ = FLOWS[registered(model).flow]
    return import_module(module).training_set
