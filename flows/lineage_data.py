"""The data that a version learned from, out of the snapshots that its lineage names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.errors import FeaturesError
from features.settings import StorageSettings
from features.snapshot import Snapshot
from flows.errors import FlowsError
from flows.training_set import kinds_of
from models.families import family
from registry.registry import Lineage


class NotReproducible(FlowsError):
    """What a version learned from is not there any more, or not as it was."""


def data_of(lineage: Lineage, storage: StorageSettings) -> Any:
    """The data that a version learned from, out of its stored snapshots.

    Raises:
        NotReproducible: A snapshot is not named, gone, changed or erased.
    """
    said = lineage.dataset | {lineage.dataset["kind"]: lineage.dataset}
    try:
        frames = {
            kind.name: kind.open().restored(stored(said.get(kind.name), kind.name, storage), storage)
            for kind in kinds_of(lineage.name)
        }
    except (FeaturesError, NotReproducible) as exc:
        raise NotReproducible(f"{lineage.name} version {lineage.number} is not reproducible: {exc}") from exc
    return family(lineage.name).from_frames(frames)


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
