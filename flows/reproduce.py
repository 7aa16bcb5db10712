"""Train a version again from its lineage alone, and see whether metrics and files come out the same."""

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from features.settings import StorageSettings
from flows import ports, threads
from flows.failures import ALERTING
from flows.lineage_data import data_of
from flows.locks import one_at_a_time
from flows.parameters import ModelName
from flows.progress import tell
from flows.retries import WORLD
from flows.training import commit, evaluate, fit
from models.families import family, registered
from registry import digests, packing
from registry.registry import Lineage, Registry

TOLERANCE = 1e-9
"""Largest difference of two figures that are called the same; of large figures, as a share of them."""
NOT_SERVED = "training/"
"""Files kept beside a model, which may carry the time they were written at."""


class Trained(NamedTuple):
    """Every figure of an evaluation, and the SHA-256 of each of the model's files, by name."""

    metrics: dict[str, float | None]
    files: dict[str, str]


@task(cache_policy=NO_CACHE, persist_result=False)
def read(lineage: Lineage, storage: StorageSettings) -> Any:
    """The data that a version learned from; NotReproducible where they cannot be had any more."""
    tell(0.05, f"reading the snapshots of {lineage.name} version {lineage.number}")
    return data_of(lineage, storage)


@task(**WORLD)
def recorded(registry: Registry, lineage: Lineage) -> Trained:
    """What was registered."""
    logged = registry.document(lineage.run_id, "evaluation")
    return Trained(figures(logged), registry.files(lineage.name, lineage.number))


def figures(evaluation: Mapping[str, Any]) -> dict[str, float | None]:
    """Every figure of an evaluation's document but its duration, by its place; None where it is not a number.

    >>> figures({"n": 3, "metrics": {"mase": 0.5}, "seconds": 7.0})
    {'metrics.mase': 0.5, 'n': 3}
    """
    parts = ("metrics", "baselines", "beats", "slices", "notes", "n")
    return dict(_leaves({part: evaluation[part] for part in parts if part in evaluation}))


def _leaves(value: Any, place: str = "") -> list[tuple[str, float | None]]:
    if isinstance(value, Mapping):
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{place}.{key}" if place else str(key))]
    return [(place, value)] if value is None or isinstance(value, int | float) else []


def compare(then: Trained, now: Trained) -> dict[str, Any]:
    """Figures and hashes side by side, which of them differ, and whether none does."""
    metrics, files = _beside(then.metrics, now.metrics), _beside(then.files, now.files)
    differ = [name for name, pair in metrics.items() if not _close(**pair)]
    differ += [name for name, pair in files.items() if pair["then"] != pair["now"] and not name.startswith(NOT_SERVED)]
    return {"same": not differ, "differ": differ, "metrics": metrics, "files": files}


def _beside(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: {"then": then.get(name), "now": now.get(name)} for name in dict.fromkeys([*then, *now])}


def _close(then: float | None, now: float | None) -> bool:
    if then is None or now is None:
        return then is now
    return math.isclose(then, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def again(lineage: Lineage, data: Any) -> Trained:
    """What comes of the same recipe, evaluated and fitted once more."""
    name, found = lineage.name, family(lineage.name)
    evaluation, _ = evaluate(name, data, lineage.recipe, None)
    model = fit(name, data, lineage.recipe, evaluation)
    with tempfile.TemporaryDirectory(prefix="agro-again-") as scratch:
        folder = Path(scratch)
        model.save(folder)
        packing.write_golden(folder, found.golden(model, data))
        return Trained(figures(packing.plain(evaluation.to_json())), digests.manifest_of(folder))


@flow(name="reproduce", validate_parameters=True, **ALERTING)
def reproduce(model: ModelName, version: int | None = None) -> dict[str, Any]:
    """Evaluate and fit a version's recipe on the snapshots in its lineage, and compare with what was registered.

    It is computed with the number of threads that the version was trained with.

    Args:
        model: A registered model.
        version: Its version; None: the champion.

    Returns:
        `same`, what `differ`s, every figure and file hash `then` and `now`, the commits, and the seconds it took.
    """
    started = monotonic()
    family(model)
    with one_at_a_time(registered(model).slot):
        registry = ports.connect_registry()
        lineage = registry.lineage(model, registry.resolve(model, version))
        data = read(lineage, StorageSettings())
        with threads.limited(lineage.threads):
            outcome = compare(recorded(registry, lineage), again(lineage, data))
    tell(1.0, f"{model} version {lineage.number}: {'the same again' if outcome['same'] else 'NOT the same'}")
    commits = {"then": lineage.commit, "now": commit()}
    found = {"model": model, "version": lineage.number, **outcome, "commit": commits, "threads": lineage.threads}
    return found | {"seconds": round(monotonic() - started, 1)}
