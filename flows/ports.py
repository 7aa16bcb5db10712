"""Builds the real clients; the only place that does."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from flows.rollout.promoter import Promoter

_HERE = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where we ask, not listen


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


def connect_promoter(turn: Callable[[], AbstractContextManager[object]] = nullcontext) -> "Promoter":
    """Whoever rolls versions out on this machine.

    Args:
        turn: Waits until nothing else is built or started.
    """
    from flows.rollout.choices import RegistryChoices
    from flows.rollout.journal import Journal
    from flows.rollout.local import LocalArms
    from flows.rollout.promoter import Promoter
    from flows.rollout.traffic import Traffic

    champions = connect_champions()
    arms = LocalArms(champions.registry, champions.history, lambda: connect_store()[0])
    target, runs = _local_front()
    traffic = Traffic(target, address, time.time, runs)
    return Promoter(RegistryChoices(champions), arms, traffic, Journal(champions.history, write_to_people), turn=turn)


def address(model: str, arm: str) -> str:
    """Where an arm of a model answers on this machine, as whoever splits the traffic has it."""
    from bentos.settings import ServingSettings

    settings = ServingSettings()
    return f"{_HERE.get(settings.host, settings.host)}:{settings.port(model, arm)}"


def _local_front() -> tuple[Target | None, bool]:
    """The local front, None where there never was one, and whether it runs."""
    from rollout.envoy.target import EnvoyTarget

    target = connect_target()
    if not isinstance(target, EnvoyTarget) or not target.folder.exists():
        return None, False
    return target, target.admin.runs()


def write_to_people(subject: str, lines: Sequence[str], key: str) -> None:
    """Write a mail; where no server takes it, it waits, and the next one takes it along."""
    from monitoring import notice
    from monitoring.errors import MailError
    from monitoring.outbox import Outbox
    from monitoring.settings import MailSettings

    settings = MailSettings()
    outbox = Outbox(settings)
    outbox.put(notice.compose(subject, lines, settings, key))
    with suppress(MailError):
        outbox.send()


def connect() -> Ports:
    """Every client a training needs; the registry first, since it fails fastest."""
    registry = connect_registry()
    store, storage = connect_store()
    return Ports(store, storage, registry, TrainingSettings())
