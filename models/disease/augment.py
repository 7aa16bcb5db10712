"""Variants of a photograph that leave its label true: other angles, distances, cameras, lights and backgrounds."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

NEARLY_BLACK = 22
"""Brightest channel of a pixel in a blackened laboratory background, of 255."""


def batches(
    pixels: np.ndarray, truth: np.ndarray, side: int, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Shuffled batches without end, every image in a new variant of `side` pixels.

    Args:
        pixels: Shape (n, view, view, 3), uint8; left as it is.
        truth: Class of each image, shape (n,).
        side: Side of the variants.
        batch_size: Images a batch; an epoch's incomplete last batch is filled from its beginning.
        rng: All chance comes from here.

    Yields:
        Float32 pixels of 0 to 255, shape (batch_size, side, side, 3), and their classes.
    """
    steps = -(-len(pixels) // batch_size)
    while True:
        order = np.resize(rng.permutation(len(pixels)), steps * batch_size)
        for rows in order.reshape(steps, batch_size):
            yield relit(np.stack([moved(pixels[row], side, rng) for row in rows]), rng), truth[rows]


def moved(pixels: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """One image turned, mirrored, zoomed and shifted; what lies outside it gets one random colour."""
    view = pixels.shape[0]
    colour = rng.integers(0, 256, 3)
    if rng.random() < 0.5:
        pixels = _repainted(pixels, colour, rng)
    angle = rng.integers(0, 4) * np.pi / 2 + rng.uniform(-0.15, 0.15)
    zoom = rng.uniform(0.75, 1.1) * view / side
    mirror = rng.choice([-1.0, 1.0])
    a, b = zoom * np.cos(angle), -zoom * np.sin(angle) * mirror
    d, e = zoom * np.sin(angle), zoom * np.cos(angle) * mirror
    shift = rng.uniform(-0.08, 0.08, 2) * view
    c, f = view / 2 - (a + b) * side / 2 + shift[0], view / 2 - (d + e) * side / 2 + shift[1]
    turned = Image.fromarray(pixels).transform(
        (side, side),
        Image.Transform.AFFINE,
        (a, b, c, d, e, f),
        Image.Resampling.BILINEAR,
        fillcolor=tuple(int(value) for value in colour),
    )
    return np.asarray(turned)


def relit(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A batch under other light: exposure, contrast, white balance; float32 of 0 to 255."""
    shape = (len(pixels), 1, 1, 1)
    batch = pixels.astype(np.float32)
    middle = batch.mean(axis=(1, 2, 3), keepdims=True)
    contrast = rng.uniform(0.75, 1.3, shape).astype(np.float32)
    balance = rng.uniform(0.88, 1.12, (len(pixels), 1, 1, 3)).astype(np.float32)
    exposure = rng.uniform(-25, 25, shape).astype(np.float32)
    return np.clip(((batch - middle) * contrast + middle) * balance + exposure, 0, 255)


def _repainted(pixels: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A blackened background in another colour, so that a black background cannot stand for a class."""
    black = pixels.max(axis=2) < NEARLY_BLACK
    if black.mean() < 0.05:
        return pixels
    painted = pixels.copy()
    noise = rng.normal(0, 6, (int(black.sum()), 1))
    painted[black] = np.clip(colour + noise, 0, 255)
    return painted
