"""The leaf classifier's training set: photographs by label, a fixed part of them held out for ever."""

from datetime import datetime
from hashlib import sha256

import pyarrow as pa

from features.images import ImageStore
from features.settings import StorageSettings
from features.snapshot import Snapshot, Window, take
from features.sql import query
from features.store import Store

HELD_OUT_SHARE = 0.2
"""Part of all photographs that no model is trained on; every leaf model is judged by the same ones."""


def leaves(
    store: Store, as_of: datetime, known_at: datetime | None = None, storage: StorageSettings | None = None
) -> Snapshot:
    """Take a snapshot of the labelled photographs.

    Args:
        store: Where their rows are.
        as_of: Photographs taken from this time on are left out.
        known_at: Rows that arrived after this time are left out; None is now.
        storage: Where the photographs and the snapshot are kept; None takes the settings.

    Returns:
        Columns image_id, label, crop, condition, split (`train` or `held_out`) and path, ordered by image_id. The path
        is of this machine and does not count in the content hash; the image's bytes do, through its id.

    Raises:
        EmptyTrainingSet: There were no photographs, or none were known.
    """
    storage = storage or StorageSettings()
    window = Window.of(as_of, known_at)
    text = query("leaves")
    rows = store.arrow(text, window.params())
    images = ImageStore(storage.images)
    ids = rows["image_id"].cast(pa.string())
    table = pa.table(
        {
            "image_id": ids,
            **{name: rows[name].cast(pa.string()) for name in ("label", "crop", "condition")},
            "split": pa.array([split(image_id) for image_id in ids.to_pylist()], pa.string()),
            "path": pa.array([str(images.path(image_id)) for image_id in ids.to_pylist()], pa.string()),
        }
    )
    return take(
        "leaves",
        table,
        text,
        window,
        order=("image_id", "label"),
        local=("path",),
        extra={"held_out_share": HELD_OUT_SHARE},
        folder=storage.snapshots,
    )


def split(image_id: str, held_out_share: float = HELD_OUT_SHARE) -> str:
    """On which side a photograph falls: decided by its content alone, so it never changes sides.

    Args:
        image_id: SHA-256 of the image's bytes.
        held_out_share: Part of all photographs to hold out, 0 to 1.

    Returns:
        `held_out` or `train`.

    >>> split("0" * 64), split("1" * 64, held_out_share=1.0)
    ('train', 'held_out')
    """
    draw = int.from_bytes(sha256(f"held-out {image_id}".encode()).digest()[:8], "big") / 2**64
    return "held_out" if draw < held_out_share else "train"
