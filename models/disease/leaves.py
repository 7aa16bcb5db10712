"""Labelled photographs: reading a folder of classes, splitting by content, decoding each image once."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from models.disease.imaging import Limits, photograph
from models.errors import BadData, BadImage

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
COLUMNS = ("image_id", "label", "path")
HELD_OUT_SHARE = 0.2


def condition(label: str) -> str:
    """What a label says about health, whatever the crop.

    >>> condition("corn__leaf_blight")
    'leaf_blight'
    """
    return label.rpartition("__")[2]


def crop(label: str) -> str:
    """What a label says about the plant.

    >>> crop("corn__leaf_blight")
    'corn'
    """
    return label.rpartition("__")[0]


def split_of(image_id: str) -> str:
    """'held_out' for one image in five, 'train' for the rest, decided by the content hash alone.

    Nothing is stored and nothing can leak: the same photograph is held out in every training set, for ever. It is the
    rule by which the feature store marks its photographs, too.

    >>> split_of("0" * 64)
    'train'
    """
    draw = int.from_bytes(hashlib.sha256(f"held-out {image_id}".encode()).digest()[:8], "big") / 2**64
    return "held_out" if draw < HELD_OUT_SHARE else "train"


@dataclass(frozen=True, eq=False)
class LeafData:
    """Photographs with labels, one row an image, ordered by content hash so that row order changes nothing.

    Attributes:
        frame: image_id (sha256 of the file), label `crop__condition`, path, split 'train' or 'held_out'.
        name: What evaluations call this data.
    """

    frame: pd.DataFrame
    name: str = "leaves"
    _decoded: dict[tuple[str, int], np.ndarray] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        missing = [column for column in COLUMNS if column not in self.frame]
        if missing:
            raise BadData(f"leaves lack column {', '.join(missing)}; wanted are {', '.join(COLUMNS)}")
        object.__setattr__(self, "frame", _tidied(self.frame))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def labels(self) -> np.ndarray:
        """Label of each image, shape (n,)."""
        return self.frame["label"].to_numpy(dtype=str)

    @property
    def image_ids(self) -> np.ndarray:
        """Content hash of each image, shape (n,)."""
        return self.frame["image_id"].to_numpy(dtype=str)

    def part(self, split: str) -> "LeafData":
        """The images of one split; decoded pixels are shared."""
        return self.take((self.frame["split"] == split).to_numpy())

    def without(self, other: "LeafData") -> "LeafData":
        """These images less those of `other`, by content: what is tested on is never trained on."""
        return self.take(~self.frame["image_id"].isin(other.frame["image_id"]).to_numpy())

    def all_train(self) -> "LeafData":
        """The same images with nothing held out."""
        return replace(self, frame=self.frame.assign(split="train"))

    def take(self, rows: np.ndarray) -> "LeafData":
        """The images that a boolean mask or indices select."""
        return replace(self, frame=self.frame.loc[self.frame.index[rows]])

    def pixels(self, side: int) -> np.ndarray:
        """Pixels of all images, shape (n, side, side, 3), uint8; every file is read and decoded once a side.

        Raises:
            BadData: A file is gone or is not a photograph; the message names it.
        """
        rows = list(zip(self.frame["image_id"], self.frame["path"], strict=True))
        wanted = [(image_id, path) for image_id, path in rows if (image_id, side) not in self._decoded]
        with ThreadPoolExecutor(2) as pool:
            for (image_id, _), pixels in zip(wanted, pool.map(lambda row: _decode(row[1], side), wanted), strict=True):
                self._decoded[image_id, side] = pixels
        empty = np.zeros((0, side, side, 3), np.uint8)
        return np.stack([self._decoded[image_id, side] for image_id, _ in rows]) if rows else empty


def read(path: Path) -> LeafData:
    """Photographs of a folder that holds one folder a class, named `crop__condition`; other files are ignored.

    Raises:
        BadData: There is no such folder, no class folder or no image in it, a class folder without `__`, or the same
            photograph under two labels.
    """
    path = Path(path)
    if not path.is_dir():
        raise BadData(f"{path}: not a folder; leaves are a folder of class folders named crop__condition")
    rows = [(hashlib.sha256(file.read_bytes()).hexdigest(), file.parent.name, str(file)) for file in _images(path)]
    if not rows:
        raise BadData(f"{path}: no JPEG or PNG in class folders; wanted is {path.name}/crop__condition/image.jpg")
    return LeafData(pd.DataFrame(rows, columns=list(COLUMNS)), name=path.name)


def validation_rows(data: LeafData, share: float) -> np.ndarray:
    """Mask of the images set aside for early stopping and calibration: `share` of every class, by content hash."""
    rank = data.frame["image_id"].str[8:24].groupby(data.frame["label"]).rank(method="first")
    size = data.frame.groupby("label")["image_id"].transform("size")
    return (rank <= (size * share).round()).to_numpy()


def _images(path: Path) -> Iterator[Path]:
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    for folder in folders:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
        if files and not all(folder.name.partition("__")):
            raise BadData(f"{folder}: the folder's name is the label; rename it to crop__condition, e.g. corn__rust")
        yield from files


def _tidied(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.astype(dict.fromkeys(COLUMNS, str))
    frame = frame.sort_values(["image_id", "path"]).drop_duplicates(["image_id", "label"])
    twice = frame[frame.duplicated("image_id", keep=False)]
    if len(twice):
        clash = ", ".join(f"{path} ({label})" for path, label in zip(twice["path"][:4], twice["label"], strict=False))
        raise BadData(f"column label: the same photograph under two labels: {clash}; keep one of them")
    if "split" not in frame:
        frame = frame.assign(split=[split_of(image_id) for image_id in frame["image_id"]])
    return frame.reset_index(drop=True)


def _decode(path: str, side: int) -> np.ndarray:
    try:
        return photograph(Path(path).read_bytes(), side, Limits(), field=path)
    except BadImage as exc:
        raise BadData(f"column path: {exc.field}: {exc.remedy}") from exc
    except OSError as exc:
        raise BadData(f"column path: {path} cannot be read ({exc.strerror}); ingest the images again") from exc
