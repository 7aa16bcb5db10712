"""Builds the real clients; the only place that does."""

from dataclasses import dataclass

from features.settings import ClickHouseSettings, StorageSettings
from features.store import Store
from flows.settings import TrainingSettings
from models.families import models, routes
from registry.registry import Registry
from registry.settings import MLflowSettings
from rollout.champions import Champions
from rollout.history import History
from rollout.settings import HistorySettings
from rollout.target import Target


@dataclass(frozen=True)
class Ports:
    """The world as the flows see it."""

    store: Store
    storage: StorageSettings
    registry: Registry
    training: TrainingSettings


def connect_store() -> tuple[Store, StorageSettings]:
    """The event store, and the folders beside it.

    Raises:
        features.errors.StoreUnreachable: ClickHouse does not answer.
        features.errors.SchemaBehind: Its schema is older than this code; a flow never changes it.
    """
    store = Store.connect(ClickHouseSettings())
    store.require_schema()
    return store, StorageSettings()


def connect_registry() -> Registry:
    """The model registry.

    Raises:
        registry.errors.RegistryUnreachable: MLflow does not answer.
    """
    return Registry.connect(MLflowSettings())


def connect_history() -> History:
    """The table of what served.

    Raises:
        rollout.errors.HistoryDamaged: Its file cannot be read.
        rollout.errors.HistoryUnreachable: Its database does not answer.
    """
    return History.open(HistorySettings())


def connect_champions() -> Champions:
    """The registry's champions with their history."""
    return Champions(connect_registry(), connect_history())


def connect_target() -> Target:
    """Whoever splits the traffic of the models between their versions."""
    from rollout.settings import TargetSettings

    if TargetSettings().target == "envoy":
        from rollout.envoy.target import EnvoyTarget

        return EnvoyTarget(routes())
    from rollout.istio.target import VirtualServiceTarget

    return VirtualServiceTarget({name: one.service.name for name, one in models().items()})


def connect() -> Ports:
    """Every client a training needs; the registry first, since it fails fastest."""
    registry = connect_registry()
    store, storage = connect_store()
    return Ports(store, storage, registry, TrainingSettings())
