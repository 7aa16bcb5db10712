"""What a model learns from: its kind's snapshot and the one beside it, held against the contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from features import kinds
from features.contracts import ContractResult, check
from features.kinds import Kind
from features.snapshot import Snapshot
from flows.ports import Ports
from flows.progress import tell
from flows.retries import WORLD
from models.families import family, registered


@dataclass(frozen=True)
class TrainingSet:
    """A family's data, the snapshots they came from and the word of the contract."""

    data: Any
    snapshot: Snapshot
    contract: ContractResult
    beside: Mapping[str, Snapshot] = field(default_factory=dict)
    """Snapshots of other kinds, by name of the kind, such as the catalogue."""

    def lineage(self) -> dict[str, Any]:
        """All that is needed to have these data again: plain types only."""
        beside = {name: snapshot.lineage() for name, snapshot in self.beside.items()}
        return self.snapshot.lineage() | {"contract": self.contract.to_json()} | beside


def kinds_of(model: str) -> list[Kind]:
    """The kind of data that a model learns from, and the one beside it."""
    kind = kinds.find(registered(model).kind)
    return [kind, *([kinds.find(kind.beside)] if kind.beside else [])]


@task(**WORLD)
def read(env: Ports, model: str, as_of: datetime) -> dict[str, Snapshot]:
    """What is known now of what happened before `as_of`, as hashed snapshots by name of their kind."""
    wanted, known_at = kinds_of(model), datetime.now(UTC)
    tell(0.02, f"reading {' and '.join(kind.name for kind in wanted)} from ClickHouse")
    return {kind.name: kind.open().snapshot(env.store, as_of, known_at, env.storage) for kind in wanted}


@task(cache_policy=NO_CACHE, persist_result=False)
def check_contract(kind: str, snapshot: Snapshot) -> ContractResult:
    """The contract's verdict on a snapshot.

    Raises:
        features.errors.ContractViolation: A rule is broken; it names rule, column and sample rows.
    """
    tell(0.12, f"checking the contract of {kind}")
    result = check(kind, snapshot.frame())
    result.raise_for_failures()
    return result


def training_set(env: Ports, model: str, as_of: datetime) -> TrainingSet:
    """What a model learns from: rows that keep their contract, and what stands beside them."""
    snapshots = read(env, model, as_of)
    frames = {name: snapshot.frame() for name, snapshot in snapshots.items()}
    kind, *_ = snapshots
    contract = check_contract(kind, snapshots[kind])
    return TrainingSet(family(model).from_frames(frames), snapshots.pop(kind), contract, snapshots)
