"""A folder of folders of leaf photographs, `crop__condition/*.jpg`, into the image store and its table."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from features.errors import BadInput
from features.event_ids import content_ids
from features.images import ImageStore
from features.reading import Rejected
from features.rows import Converted
from features.settings import IngestSettings

LABEL = re.compile(r"^[a-z0-9]+(?:_[a-z0-9]+)*__[a-z0-9]+(?:_[a-z0-9]+)*$")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_TIME = pa.timestamp("ms", "UTC")
_TEXT = ("image_id", "label", "crop", "condition", "source")


def photographs(folder: Path) -> list[Path]:
    """Every image file in the folders of a folder, in order of their paths.

    Raises:
        BadInput: There is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder")
    found = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise BadInput(f"{folder} holds no folders of JPEG or PNG images named crop__condition")
    return found


def keep(
    paths: list[Path],
    images: ImageStore,
    settings: IngestSettings,
    source: str,
    labels: dict[str, str],
    first: int = 1,
) -> Converted:
    """Put sound images into the store and describe each; `line` of a reject is its place in the folder.

    Args:
        paths: The image files.
        images: Where their bytes go.
        settings: How large an image may be.
        source: Where they came from, unless a manifest says so.
        labels: Label by image id of what is known already; a photograph under another one is refused. Those of the
            images that are kept are added.
        first: Place of the first one in the folder.
    """
    origins = _origins(paths[0].parents[1])
    rows, bad = [], []
    for number, path in enumerate(paths, start=first):
        reason, row = _keep_one(path, images, settings, labels)
        if reason:
            bad.append((number, reason, f"{path.parent.name}/{path.name}"))
        else:
            rows.append(row | {"source": origins.get(f"{path.parent.name}/{path.name}", source)})
    rejected = Rejected.of(*(list(part) for part in zip(*bad, strict=True))) if bad else Rejected.none()
    return Converted(_table(rows), rejected)


def _keep_one(
    path: Path, images: ImageStore, settings: IngestSettings, labels: dict[str, str]
) -> tuple[str, dict[str, object]]:
    label = path.parent.name
    if not LABEL.match(label):
        return "is in a folder that is not named crop__condition", {}
    if path.stat().st_size > settings.max_image_bytes:
        return f"has more than {settings.max_image_bytes} bytes", {}
    image = path.read_bytes()
    width, height, reason = measure(image, settings.max_image_pixels)
    if reason:
        return reason, {}
    known = labels.setdefault(ImageStore.name(image), label)
    if known != label:
        return f"is known under {known} already: one photograph has one label", {}
    crop, _, condition = label.rpartition("__")
    described = {"label": label, "crop": crop, "condition": condition}
    return "", described | {"image_id": images.put(image), "width": width, "height": height, "bytes": len(image)}


def measure(image: bytes, max_pixels: int) -> tuple[int, int, str]:
    """Width and height of an image that decodes, or the reason why it does not."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(image), formats=("JPEG", "PNG")) as opened:
            width, height = opened.size
            if width * height > max_pixels:
                return 0, 0, f"has more than {max_pixels} pixels"
            opened.load()
    except UnidentifiedImageError:
        return 0, 0, "is neither JPEG nor PNG"
    except Image.DecompressionBombError:
        return 0, 0, f"has more than {max_pixels} pixels"
    except (OSError, SyntaxError, ValueError) as exc:
        return 0, 0, f"does not decode: {exc}"
    return width, height, ""


def _origins(folder: Path) -> dict[str, str]:
    """Where each image came from, where a `manifest.csv` beside the folders says so."""
    path = folder / "manifest.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["source_repo"] for row in _rows(file) if row.get("source_repo")}


def _rows(file: io.TextIOWrapper) -> Iterator[dict[str, str]]:
    return (row for row in csv.DictReader(file) if "file" in row)


def _table(rows: list[dict[str, object]]) -> pa.Table:
    now = datetime.now(UTC)
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in _TEXT}
    sizes = {name: pa.array([row[name] for row in rows], pa.uint64()) for name in ("width", "height", "bytes")}
    times = {name: pa.array([now] * len(rows), _TIME) for name in ("event_time", "ingested_at")}
    ids = content_ids([columns["image_id"], columns["label"]], "leaf_images")
    return pa.table({"event_id": ids, **times, **columns, **sizes})
