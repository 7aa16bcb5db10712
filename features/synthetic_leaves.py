"""Drawn photographs of leaves: what the demo trains on where there are no real ones.

Every disease is told by the shape and texture of its lesions, never by a colour: leaf, background, light and camera
vary so much from picture to picture that the mean colour of an image says almost nothing about its class.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

CLASSES = (
    "bean__healthy",
    "bean__rust",
    "corn__healthy",
    "corn__leaf_blight",
    "corn__rust",
    "tomato__bacterial_spot",
    "tomato__healthy",
    "tomato__powdery_mildew",
)
"""The default classes: three leaf shapes, four diseases and health."""

Rng = np.random.Generator


def draw(
    directory: Path, classes: Sequence[str] = CLASSES, per_class: int = 120, size: int = 112, seed: int = 0
) -> int:
    """Draw `per_class` photographs of every class into `directory`/class/.

    Args:
        directory: Made where missing; images of the same name are overwritten.
        classes: Labels `crop__condition`, of the crops in `SHAPES` and the conditions in `LESIONS`.
        per_class: Images of each class.
        size: Side of the square images in pixels.
        seed: The same seed draws the same bytes, whatever other classes are asked for.

    Returns:
        How many images were written.

    Raises:
        ValueError: A class names a crop or condition that cannot be drawn.
    """
    for label in classes:
        crop, _, condition = label.partition("__")
        if crop not in SHAPES or condition not in LESIONS:
            raise ValueError(f"cannot draw {label!r}: crops are {sorted(SHAPES)}, conditions {sorted(LESIONS)}")
        folder = directory / label
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            rng = np.random.default_rng([seed, crc32(label.encode()), number])
            (folder / f"{label}_{number:04d}.jpg").write_bytes(photograph(label, size, rng))
    return per_class * len(classes)


def photograph(label: str, size: int, rng: Rng) -> bytes:
    """One JPEG of a leaf of class `label`, `size` pixels square."""
    crop, _, condition = label.partition("__")
    along, across = _leaf_frame(size, rng)
    inside, veins = SHAPES[crop](along, across, rng)
    leaf = _leaf_surface(along, across, veins, rng)
    LESIONS[condition](leaf, inside > 0.6, along, across, rng)
    picture = background(size, rng)
    _cast_shadow(picture, inside, rng)
    picture += inside[..., None] * (leaf - picture)
    return _jpeg(_light(picture, rng), rng)


def background(size: int, rng: Rng) -> np.ndarray:
    """Soil, cloth, sky or foliage in any colour, shape (size, size, 3), values 0 to 1."""
    low, high = _surface_colour(rng), _surface_colour(rng)
    grain = _clouds(size, int(rng.integers(2, 24)), rng)[..., None]
    picture = low + (high - low) * grain * rng.uniform(0.2, 1.0)
    return picture + rng.normal(0, rng.uniform(0.0, 0.03), (size, size, 1))


def _surface_colour(rng: Rng) -> np.ndarray:
    return rng.uniform(0.05, 0.95) + rng.uniform(0.05, 0.5) * rng.uniform(-0.5, 0.5, 3)


def _leaf_frame(size: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along and across the leaf, about -1 to 1 where the leaf is, turned, moved and scaled at random."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / np.float32(size / 2) - 1
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.82, 1.05)
    x, y = x - rng.uniform(-0.12, 0.12), y - rng.uniform(-0.12, 0.12)
    along = (x * np.cos(angle) + y * np.sin(angle)) / scale
    across = (y * np.cos(angle) - x * np.sin(angle)) / scale
    return along.astype(np.float32), (across + rng.uniform(-0.12, 0.12) * along**2).astype(np.float32)


def _ovate(along: np.ndarray, across: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """A bean leaflet: broad at the base, pointed, smooth margin, side veins at an angle."""
    t = np.clip((along + 1) / 2, 0, 1)
    half_width = rng.uniform(1.2, 1.6) * np.sqrt(t) * (1 - t) ** rng.uniform(0.6, 0.8)
    return _edge(half_width - np.abs(across)), _feathered(along, across, rng.uniform(7, 10), 0.9)


def _strap(along: np.ndarray, across: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """A piece of corn leaf: a long strap that leaves the picture, veins parallel to its length."""
    half_width = rng.uniform(0.45, 0.65) * (1 - rng.uniform(0, 0.25) * along)
    wave = rng.uniform(0, 0.04) * np.sin(along * rng.uniform(3, 7) + rng.uniform(0, 6))
    veins = 0.5 + 0.5 * np.cos(across * rng.uniform(35, 50))
    return _edge(half_width - np.abs(across + wave)), np.maximum(veins**2 * 0.6, _rib(across))


def _lobed(along: np.ndarray, across: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """A tomato leaf: deep lobes, a toothed margin, a vein into each lobe."""
    theta, radius = np.arctan2(across, along), np.hypot(along, across)
    lobes = rng.choice([5, 7])
    outline = rng.uniform(0.76, 0.86) + rng.uniform(0.16, 0.24) * np.cos(lobes * theta) + 0.03 * np.cos(31 * theta)
    veins = np.cos(lobes * theta / 2) ** 2
    return _edge(outline - radius), veins ** (2 + 60 * np.minimum(radius, 1))


def _edge(distance: np.ndarray) -> np.ndarray:
    return np.clip(0.5 + distance * (distance.shape[0] / 4), 0, 1)


def _rib(across: np.ndarray) -> np.ndarray:
    return np.exp(-((across / 0.035) ** 2))


def _feathered(along: np.ndarray, across: np.ndarray, frequency: float, slope: float) -> np.ndarray:
    side = 0.5 + 0.5 * np.cos(2 * np.pi * frequency / 2 * (along - slope * np.abs(across)))
    return np.maximum(_rib(across), 0.8 * side**10)


def _leaf_surface(along: np.ndarray, across: np.ndarray, veins: np.ndarray, rng: Rng) -> np.ndarray:
    """Green of any age, from yellow to blue-green, light to dark; with veins, mottling and a curl of light."""
    size = along.shape[0]
    green = np.array([rng.uniform(0.12, 0.48), rng.uniform(0.42, 0.7), rng.uniform(0.08, 0.28)])
    tone = 1 + 0.25 * (_clouds(size, 4, rng) - 0.5) + 0.12 * (_clouds(size, 28, rng) - 0.5)
    tone += rng.uniform(-0.3, 0.3) * across + rng.uniform(-0.15, 0.15) * along
    tone += rng.choice([-1, 1]) * rng.uniform(0.25, 0.45) * veins
    leaf = green * tone[..., None]
    _specks(leaf, rng)
    return leaf.astype(np.float32)


def _specks(leaf: np.ndarray, rng: Rng) -> None:
    """A few grains of soil or drops of water: every class has them, so spots alone are not a disease."""
    size = leaf.shape[0]
    mask = _shapes(size, [_disc(rng, size, 0.006, 0.012) for _ in range(rng.integers(0, 5))])
    _blend(leaf, mask, rng.uniform(0, 1, 3), 0.8)


def _healthy(leaf: np.ndarray, inside: np.ndarray, along: np.ndarray, across: np.ndarray, rng: Rng) -> None:
    """No lesion; sometimes a brown tip or a worn margin, as healthy leaves have."""
    if rng.random() < 0.3:
        _blend(leaf, np.clip((along - 0.75) * 6, 0, 1), _brown(rng), 0.7)


def _rust(leaf: np.ndarray, inside: np.ndarray, along: np.ndarray, across: np.ndarray, rng: Rng) -> None:
    """Many small round raised pustules, lit from one side, each in a narrow pale halo."""
    size = leaf.shape[0]
    discs = [_disc(rng, size, 0.012, 0.024, at) for at in _places(inside, int(rng.integers(50, 110)), rng)]
    pustules = _shapes(size, discs)
    halo = _blurred(pustules, size * 0.014)
    _blend(leaf, np.clip(halo * 1.6, 0, 1), leaf.mean(axis=(0, 1)) * [1.35, 1.2, 0.8], 0.6)
    _blend(leaf, pustules, _brown(rng) * [1.25, 0.85, 0.5], 0.95)
    relief = pustules - np.roll(pustules, (1, 1), (0, 1))
    leaf += 0.35 * relief[..., None]


def _powdery_mildew(leaf: np.ndarray, inside: np.ndarray, along: np.ndarray, across: np.ndarray, rng: Rng) -> None:
    """Soft pale felt in rounded patches without an edge; the veins shine through."""
    size = leaf.shape[0]
    discs = [_disc(rng, size, 0.07, 0.15, at) for at in _places(inside, int(rng.integers(4, 9)), rng)]
    patches = _blurred(_shapes(size, discs), size * 0.035)
    felt = patches * (0.45 + 0.75 * _clouds(size, size // 3, rng)) * (0.6 + 0.6 * _clouds(size, 14, rng))
    _blend(leaf, np.clip(felt, 0, 1), rng.uniform(0.72, 0.95) * np.array([1.0, 1.0, 0.97]), 0.9)


def _leaf_blight(leaf: np.ndarray, inside: np.ndarray, along: np.ndarray, across: np.ndarray, rng: Rng) -> None:
    """A few long cigar-shaped dead lesions along the veins, with rings inside and a dark margin."""
    for row, column in _places(inside & (np.abs(along) < 0.75), int(rng.integers(3, 6)), rng):
        length, width = rng.uniform(0.35, 0.6), rng.uniform(0.09, 0.15)
        distance = np.sqrt(((along - along[row, column]) / length) ** 2 + ((across - across[row, column]) / width) ** 2)
        distance += 0.15 * (_clouds(leaf.shape[0], 12, rng) - 0.5)
        body = np.clip((1 - distance) * 6, 0, 1)
        rings = 1 + 0.18 * np.cos(distance * rng.uniform(14, 22))
        _blend(leaf, body, _brown(rng)[None, None] * 1.5 * rings[..., None], 0.9)
        _blend(leaf, np.exp(-(((distance - 1) / 0.12) ** 2)), _brown(rng) * 0.45, 0.8)


def _bacterial_spot(leaf: np.ndarray, inside: np.ndarray, along: np.ndarray, across: np.ndarray, rng: Rng) -> None:
    """Dark angular spots of many sizes, some grown together, in a wide pale halo."""
    size = leaf.shape[0]
    corners = [_angular(rng, size, at) for at in _places(inside, int(rng.integers(10, 24)), rng)]
    spots = _shapes(size, corners)
    _blend(leaf, np.clip(_blurred(spots, size * 0.03) * 1.8, 0, 1), leaf.mean(axis=(0, 1)) * [1.5, 1.25, 0.8], 0.65)
    _blend(leaf, spots, _brown(rng) * rng.uniform(0.25, 0.5), 0.95)


Shape = Callable[[np.ndarray, np.ndarray, Rng], tuple[np.ndarray, np.ndarray]]
Lesion = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Rng], None]

SHAPES: dict[str, Shape] = {"bean": _ovate, "corn": _strap, "tomato": _lobed}
"""How each crop's leaf is cut and veined."""

LESIONS: dict[str, Lesion] = {
    "healthy": _healthy,
    "rust": _rust,
    "powdery_mildew": _powdery_mildew,
    "leaf_blight": _leaf_blight,
    "bacterial_spot": _bacterial_spot,
}
"""What each condition paints on a leaf."""


def _brown(rng: Rng) -> np.ndarray:
    return np.array([rng.uniform(0.4, 0.62), rng.uniform(0.28, 0.42), rng.uniform(0.12, 0.28)])


def _places(inside: np.ndarray, count: int, rng: Rng) -> np.ndarray:
    """Pixels of the leaf that is in view, shape (count, 2), row and column."""
    rows, columns = np.nonzero(inside)
    chosen = rng.integers(0, max(len(rows), 1), count if len(rows) else 0)
    return np.stack([rows[chosen], columns[chosen]], axis=1)


def _disc(
    rng: Rng, size: int, smallest: float, largest: float, at: np.ndarray | None = None
) -> list[tuple[float, float]]:
    row, column = rng.uniform(0, size, 2) if at is None else at
    radius = rng.uniform(smallest, largest) * size
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return [(column + radius * np.cos(turn), row + radius * np.sin(turn)) for turn in turns]


def _angular(rng: Rng, size: int, at: np.ndarray) -> list[tuple[float, float]]:
    corners = int(rng.integers(3, 6))
    turns = 2 * np.pi * (np.arange(corners) + rng.uniform(-0.25, 0.25, corners) + rng.random()) / corners
    radii = rng.uniform(0.03, 0.055) * size * rng.uniform(0.7, 1.3, corners)
    return [(at[1] + r * np.cos(turn), at[0] + r * np.sin(turn)) for r, turn in zip(radii, turns, strict=True)]


def _shapes(size: int, polygons: Sequence[list[tuple[float, float]]], finer: int = 2) -> np.ndarray:
    """Filled polygons as a mask of 0 to 1 with smooth edges, shape (size, size)."""
    canvas = Image.new("L", (size * finer, size * finer))
    pen = ImageDraw.Draw(canvas)
    for polygon in polygons:
        pen.polygon([(x * finer, y * finer) for x, y in polygon], fill=255)
    return np.asarray(canvas.reduce(finer), dtype=np.float32) / 255


def _blurred(mask: np.ndarray, radius: float) -> np.ndarray:
    image = Image.fromarray((mask * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


def _clouds(size: int, cells: int, rng: Rng) -> np.ndarray:
    """Smooth noise of 0 to 1 with about `cells` bumps a side."""
    coarse = Image.fromarray(rng.integers(0, 256, (cells + 2, cells + 2), dtype=np.uint8))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32) / 255


def _blend(leaf: np.ndarray, mask: np.ndarray, colour: np.ndarray, strength: float) -> None:
    leaf += (strength * mask)[..., None] * (colour - leaf)


def _cast_shadow(picture: np.ndarray, inside: np.ndarray, rng: Rng) -> None:
    shift = int(rng.integers(1, 5)) * int(rng.choice([-1, 1]))
    shade = np.roll(_blurred(inside, 2.0), (shift, shift), (0, 1))
    picture *= 1 - rng.uniform(0, 0.5) * shade[..., None]


def _light(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The camera: exposure, white balance, a gradient of light, a little noise."""
    size = picture.shape[0]
    fall = np.linspace(-1, 1, size, dtype=np.float32) * rng.uniform(-0.2, 0.2)
    side = np.linspace(-1, 1, size, dtype=np.float32) * rng.uniform(-0.25, 0.25)
    lit = picture * (1 + fall[:, None, None] + side[None, :, None])
    lit = lit * rng.uniform(0.75, 1.2) * rng.uniform(0.9, 1.1, 3)
    return lit + rng.normal(0, rng.uniform(0.0, 0.015), picture.shape)


def _jpeg(picture: np.ndarray, rng: Rng) -> bytes:
    pixels = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=int(rng.integers(82, 95)))
    return out.getvalue()
