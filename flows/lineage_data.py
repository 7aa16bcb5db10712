"""The data that a version learned from, out of the snapshots that its lineage names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import FeaturesError
from features.images import ImageStore
from features.settings import StorageSettings
from features.snapshot import Snapshot
from flows.errors import FlowsError
from models.disease.leaves import LeafData
from models.recommendation.data import RecommenderData
from registry.registry import Lineage


class NotReproducible(FlowsError):
    """What a version learned from is not there any more, or not as it was."""


Snapshots = dict[str, Snapshot]


def _purchases(found: Snapshots, storage: StorageSettings) -> RecommenderData:
    return RecommenderData(found["interactions"].frame(), found["catalogue"].frame())


def _series(found: Snapshots, storage: StorageSettings) -> Any:
    return found["demand"].frame()


def _photographs(found: Snapshots, storage: StorageSettings) -> LeafData:
    frame, images = found["leaves"].frame(), ImageStore(storage.images)
    for image_id in frame["image_id"]:
        images.get(image_id)  # proves that the file holds what its name says
    return LeafData(frame.assign(path=[str(images.path(image_id)) for image_id in frame["image_id"]]))


@dataclass(frozen=True)
class Origin:
    """The snapshots that a model learns from, and how they become its data."""

    kinds: tuple[str, ...]
    data: Callable[[Snapshots, StorageSettings], Any]


ORIGINS = {
    "recommender": Origin(("interactions", "catalogue"), _purchases),
    "demand-forecaster": Origin(("demand",), _series),
    "leaf-disease": Origin(("leaves",), _photographs),
}


def data_of(lineage: Lineage, storage: StorageSettings) -> Any:
    """The data that a version learned from, out of its stored snapshots.

    Raises:
        NotReproducible: A snapshot is not named, gone, changed or erased.
    """
    origin = ORIGINS[lineage.name]
    said = {lineage.dataset["kind"]: lineage.dataset, "catalogue": lineage.dataset.get("catalogue")}
    try:
        return origin.data({kind: stored(said.get(kind), kind, storage) for kind in origin.kinds}, storage)
    except (FeaturesError, NotReproducible) as exc:
        raise NotReproducible(f"{lineage.name} version {lineage.number} is not reproducible: {exc}") from exc


def stored(said: Mapping[str, Any] | None, kind: str, storage: StorageSettings) -> Snapshot:
    """The snapshot that a lineage names, proven by the hash in the lineage.

    Raises:
        NotReproducible: The lineage names none, the file is gone, or its rows are others.
        SnapshotDamaged: The file is not what was written.
    """
    if not said or not said.get("path"):
        raise NotReproducible(f"its lineage names no snapshot of the {kind}; train a new version, which will")
    path = storage.snapshots / Path(said["path"]).name
    path = path if path.exists() else Path(said["path"])
    if not path.exists():
        where = f"{path.name} is gone from {storage.snapshots}"
        raise NotReproducible(f"its snapshot {where}; put it back from a copy, or train a new version")
    found = Snapshot.load(path)
    if found.content_hash != said["content_hash"]:
        why = "erased" if found.extra.get("erased") else "the rows are not those that it learned from"
        raise NotReproducible(
            f"{why}: {path.name} hashes to {found.content_hash[:12]}, the lineage says {said['content_hash'][:12]}; "
            "train a new version"
        )
    return found
