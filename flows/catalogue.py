"""The flows by name, without importing them until one is wanted."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from flows.errors import FlowUnknown
from models.families import models

FLOWS = {
    "ingest": ("flows.ingest", "ingest"),
    **{record.flow: ("flows.train", record.flow.replace("-", "_")) for record in models().values()},
    "package": ("flows.package", "package"),
    "promote": ("flows.promote", "promote"),
    "reconcile": ("flows.promote", "reconcile"),
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
