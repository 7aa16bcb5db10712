"""Leaves: labelled photographs, a fixed part of them held out for ever; what the leaf classifier learns from."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from features import leaf_folder
from features.broken_rows import Broken, ids
from features.dataset import Dataset, Part
from features.drift_windows import Span, with_categories
from features.errors import BadInput
from features.images import ImageStore
from features.leaf_statistics import statistics_of
from features.reading import Source
from features.rows import Converted, Rules
from features.rules import Contract, Limits, Rule, filled, known
from features.settings import StorageSettings
from features.snapshot import Snapshot
from features.sql import query
from features.store import Store

HELD_OUT_SHARE = 0.2
"""Part of all photographs that no model is trained on; every leaf model is judged by the same ones."""
ONE_LABEL = "has no image twice, nor under two labels"
A_FILE = "is a file that exists"
_AT_A_TIME = 200


class Leaves(Dataset):
    """Photographs of leaves with their labels.

    A training set has image_id, label, crop, condition, split (`train` or `held_out`) and path, ordered by image_id.
    The path is of this machine and does not count in the content hash; the image's bytes do, through its id.
    """

    order = ("image_id", "label")
    required = ("image_id", "label", "path")
    time = ""

    def place(self, name: str, path: Path) -> Path:
        """The folder itself."""
        return path

    def read(self, path: Path, rules: Rules, store: Store, storage: StorageSettings) -> Iterator[Part]:
        """The photographs of a folder of folders, each put into the image store."""
        paths, images = leaf_folder.photographs(path), ImageStore(storage.images)
        told = store.arrow(query("leaf_labels"))
        labels = dict(zip(told["image_id"].to_pylist(), told["label"].to_pylist(), strict=True))
        for start in range(0, len(paths), _AT_A_TIME):
            part = paths[start : start + _AT_A_TIME]
            kept = leaf_folder.keep(part, images, rules.ingest, path.name, labels, start + 1)
            yield Part(kept.rows, kept.rejected, start + len(part), len(paths))

    def convert(self, source: Source, rules: Rules) -> Converted:
        """Rows alone hold no photographs."""
        raise BadInput("leaves come as a folder of folders of photographs named crop__condition, not as rows")

    def rules_of_rows(self, limits: Limits) -> tuple[Rule, ...]:
        """An image, and a label that is spelt right."""
        regex = {"regex": leaf_folder.LABEL.pattern}
        spelt = Rule("reads crop__condition", "label", "ExpectColumnValuesToMatchRegex", regex)
        return (filled("image_id"), filled("label"), spelt)

    def contract(self, limits: Limits, now: datetime) -> Contract:
        """Its rows' rules, one label an image, files that exist, and enough labels with enough images."""
        enough = f"with at least {limits.min_images} images"
        rules = (
            *self.row_rules(limits, now),
            Rule(ONE_LABEL, "image_id", "ExpectColumnValuesToBeUnique"),
            Rule(A_FILE, "path", "ExpectColumnValuesToBeInSet", {"column": "path_exists", "value_set": [True]}),
            known("split", ("train", "held_out"), optional=True),
            Rule(
                f"has at least {limits.min_classes} labels {enough}",
                "label",
                "ExpectColumnUniqueValueCountToBeBetween",
                {"column": "label_with_enough", "min_value": limits.min_classes},
            ),
        )
        return Contract(self.required, rules, lambda frame: _judged(frame, limits.min_images))

    def broken_together(self, store: Store, storage: StorageSettings) -> list[Broken]:
        """Photographs under two labels, and those whose file is gone."""
        images = ImageStore(storage.images)
        rows = store.arrow("SELECT event_id, image_id FROM leaf_images").to_pylist()
        gone = [row["event_id"] for row in rows if not _is_there(images, row["image_id"])]
        two = Broken(ONE_LABEL, "image_id", ids(store.arrow(query("two_labels"))))
        return [two, Broken(A_FILE, "path", tuple(gone))]

    def query(self) -> str:
        """One row an image and label."""
        return query("leaves")

    def shape(self, rows: pa.Table, storage: StorageSettings) -> pa.Table:
        """With the side that each photograph is on, and its file."""
        images, names = ImageStore(storage.images), rows["image_id"].cast(pa.string())
        return pa.table(
            {
                "image_id": names,
                **{name: rows[name].cast(pa.string()) for name in ("label", "crop", "condition")},
                "split": pa.array([split(image_id) for image_id in names.to_pylist()], pa.string()),
                "path": pa.array([str(images.path(image_id)) for image_id in names.to_pylist()], pa.string()),
            }
        )

    def kept(self) -> dict[str, Any]:
        """Where the files are does not count; how much is held out is remembered."""
        return {"local": ("path",), "extra": {"held_out_share": HELD_OUT_SHARE}}

    def restored(self, snapshot: Snapshot, storage: StorageSettings) -> pd.DataFrame:
        """Rows whose files are proven to hold what their names say."""
        frame, images = snapshot.frame(), ImageStore(storage.images)
        for image_id in frame["image_id"]:
            images.get(image_id)
        return frame.assign(path=[str(images.path(image_id)) for image_id in frame["image_id"]])

    def weeks(self, store: Store, span: Span) -> pd.DataFrame:
        """Columns event_time, label and `features.leaf_statistics.STATISTICS`."""
        rows = with_categories(store.arrow(query("leaves_by_week"), span.params()))
        looks = statistics_of(rows["image_id"], ImageStore(span.storage.images), span.cache)
        return pd.concat([rows[["event_time", "label"]], looks.reset_index(drop=True)], axis=1)


def _judged(frame: pd.DataFrame, min_images: int) -> pd.DataFrame:
    images = frame.groupby("label")["image_id"].transform("nunique")
    exists = [isinstance(path, str | Path) and Path(path).is_file() for path in frame["path"]]
    return frame.assign(path_exists=exists, label_with_enough=frame["label"].where(images >= min_images))


def _is_there(images: ImageStore, image_id: str) -> bool:
    try:
        return images.path(image_id).is_file()
    except BadInput:
        return False


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
