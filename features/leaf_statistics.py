"""Five numbers that say how a photograph looks, so that a change of camera, light or place can be seen."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from base.files import DiskFull, whole
from base.home import home
from features.images import ImageStore

log = logging.getLogger(__name__)

STATISTICS = ("brightness", "contrast", "saturation", "blur", "greenness")
_SIDE_PX = 128  # a thumbnail says it as well as the photograph, in a tenth of the time


def image_statistics(rgb: np.ndarray) -> dict[str, float]:
    """How a photograph looks.

    Args:
        rgb: Pixels, shape (height, width, 3), 0 to 255.

    Returns:
        brightness: Mean luminance (ITU-R BT.601), 0 to 1.
        contrast: Standard deviation of the luminance, 0 to 0.5.
        saturation: Mean of (max - min) / max over the channels, 0 (grey) to 1.
        blur: 1 / (1 + standard deviation of the Laplacian, in grey levels), 1 where there is no edge at all.
        greenness: Mean excess green of the chromatic coordinates, 2g - r - b, -1 to 2.

    Source: blur, Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy (ICPR 2000); greenness, Woebbecke
        et al., Color indices for weed identification (Trans. ASAE 38, 1995).

    >>> grey = np.full((8, 8, 3), 128)
    >>> {name: round(value, 2) for name, value in image_statistics(grey).items()}
    {'brightness': 0.5, 'contrast': 0.0, 'saturation': 0.0, 'blur': 1.0, 'greenness': 0.0}
    """
    r, g, b = np.ascontiguousarray(np.moveaxis(rgb, 2, 0), dtype=np.float32)  # planes: ten times as fast as triples
    grey = 0.299 * r + 0.587 * g + 0.114 * b
    highest, total = np.maximum(np.maximum(r, g), b), r + g + b
    lowest = np.minimum(np.minimum(r, g), b)
    chroma = np.divide(highest - lowest, highest, out=np.zeros_like(highest), where=highest > 0)
    green = np.divide(3 * g - total, total, out=np.zeros_like(total), where=total > 0)
    return {
        "brightness": float(grey.mean() / 255),
        "contrast": float(grey.std() / 255),
        "saturation": float(chroma.mean()),
        "blur": float(1 / (1 + _laplacian(grey).std())),
        "greenness": float(green.mean()),
    }


def statistics_of(image_ids: Iterable[str], images: ImageStore, cache: Path | None = None) -> pd.DataFrame:
    """The statistics of stored photographs; each is decoded once and remembered.

    Args:
        image_ids: Ids in the image store.
        images: Where the photographs are.
        cache: File that remembers; None takes the one under the root of all state.

    Returns:
        One row an id, in the order given, columns `STATISTICS`; NaN where the photograph is gone or cannot be read.
    """
    cache = cache or home("cache", "leaf_statistics.parquet")
    wanted = list(image_ids)
    known = _remembered(cache)
    fresh = {
        image_id: _measure(images.path(image_id)) for image_id in dict.fromkeys(wanted) if image_id not in known.index
    }
    if fresh:
        measured = pd.DataFrame.from_dict(fresh, orient="index", columns=list(STATISTICS), dtype=float)
        known = pd.concat([known, measured]) if len(known) else measured
        _remember(known.dropna(), cache)
    return known.reindex(wanted)


def _laplacian(grey: np.ndarray) -> np.ndarray:
    if min(grey.shape) < 3:
        return np.zeros(1, dtype=np.float32)
    middle = grey[1:-1, 1:-1]
    return grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle


def _measure(path: Path) -> dict[str, float]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as photo:
            photo.draft("RGB", (_SIDE_PX, _SIDE_PX))
            small = photo.convert("RGB").resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as exc:
        log.warning("%s cannot be read: %s", path, exc)
        return dict.fromkeys(STATISTICS, float("nan"))
    return image_statistics(np.asarray(small))


def _remembered(cache: Path) -> pd.DataFrame:
    try:
        kept: Any = pd.read_parquet(cache)
        return kept[list(STATISTICS)]
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError) as exc:
        log.warning("the cache %s is left aside: %s", cache, exc)
    return pd.DataFrame(columns=list(STATISTICS), dtype=float)


def _remember(known: pd.DataFrame, cache: Path) -> None:
    """A cache that cannot be written costs time, not the check."""
    try:
        with whole(cache, durable=False) as draft:
            known.to_parquet(draft)
    except (OSError, DiskFull) as exc:
        log.warning("the cache %s was not written: %s", cache, exc)
