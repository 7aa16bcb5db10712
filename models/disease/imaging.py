"""From the bytes of an upload to the pixels a network sees, in memory only and never more than the limits allow."""

import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from pydantic import BaseModel, PositiveInt

from models.errors import BadImage

FORMATS = ("JPEG", "PNG", "WEBP")
"""What is decoded; each decoder more is a door more."""

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError, TypeError)
"""What Pillow's decoders raise for damaged files."""


class Limits(BaseModel, frozen=True, extra="forbid"):
    """How large an upload may be, checked before anything is decoded."""

    max_bytes: PositiveInt = 12 * 1024 * 1024
    max_pixels: PositiveInt = 50_000_000
    """Phones of 2026 take 12 to 50 megapixels."""
    min_side: PositiveInt = 24
    """Below this many pixels a side there is nothing to see."""


def photograph(data: bytes, side: int, limits: Limits | None = None, field: str = "file") -> np.ndarray:
    """The middle square of a photograph, upright, in RGB, `side` pixels a side.

    Args:
        data: A JPEG, PNG or WebP file; RGBA, grey, palette and CMYK become RGB, transparency becomes white.
        side: Side of the square that the network wants.
        limits: Bounds on the file; the defaults where None.
        field: The name the caller knows the upload by, for messages.

    Returns:
        Pixels of shape (side, side, 3), uint8.

    Raises:
        BadImage: With status 413 where the file is too large, 415 where it is another kind of file or animated, 422
            where it is empty, damaged or too small.
    """
    limits = limits or Limits()
    image = _opened(data, limits, field)
    # JPEG decodes straight to a half, quarter or eighth: the time of a 12-megapixel upload falls tenfold.
    image.draft("RGB", (side, side))
    return np.asarray(_square(_rgb(_upright(_loaded(image, field))), side))


def _opened(data: bytes, limits: Limits, field: str) -> Image.Image:
    if not data:
        raise BadImage(field, "the file is empty; send a photograph as JPEG or PNG", 422)
    if len(data) > limits.max_bytes:
        size = f"{len(data):,} bytes, at most {limits.max_bytes:,} are taken"
        raise BadImage(field, f"the file has {size}; send a smaller copy", 413)
    image = _identified(data, field)
    _check_size(image, limits, field)
    if getattr(image, "n_frames", 1) > 1 and image.format in ("PNG", "WEBP"):  # a phone's MPO holds previews, not film
        raise BadImage(field, "the image is animated; send a single photograph as JPEG or PNG", 415)
    return image


def _identified(data: bytes, field: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit follows
            return Image.open(BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as exc:
        raise BadImage(field, "the image has far too many pixels; send a smaller copy", 413) from exc
    except UnidentifiedImageError as exc:
        raise BadImage(field, f"not one of {', '.join(FORMATS)}; send a photograph as JPEG or PNG", 415) from exc
    except UNREADABLE as exc:
        raise BadImage(field, "the file is damaged; send the photograph again", 422) from exc


def _check_size(image: Image.Image, limits: Limits, field: str) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        size = f"{width} × {height} pixels, at most {limits.max_pixels:,} are taken"
        raise BadImage(field, f"the image has {size}; send a smaller copy", 413)
    if min(width, height) < limits.min_side:
        size = f"{width} × {height} pixels, each side needs {limits.min_side}"
        raise BadImage(field, f"the image has {size}; send the original photograph", 422)


def _loaded(image: Image.Image, field: str) -> Image.Image:
    try:
        image.load()
    except (*UNREADABLE, MemoryError) as exc:
        raise BadImage(field, "the file is cut off or damaged; send the photograph again", 422) from exc
    return image


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except UNREADABLE:  # damaged metadata do not make the picture unreadable
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):  # 16-bit grey, which convert() would clip to white
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return image.convert("RGB")


def _square(image: Image.Image, side: int) -> Image.Image:
    width, height = image.size
    edge = min(width, height)
    left, top = (width - edge) / 2, (height - edge) / 2
    box = (left, top, left + edge, top + edge)
    return image.resize((side, side), Image.Resampling.BILINEAR, box=box)
