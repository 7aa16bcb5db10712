"""What a network has to beat: always the commonest label, and the mean colour of the picture."""

import numpy as np

from models.disease.calibration import softmax
from models.disease.leaves import LeafData
from models.disease.scoring import Answers

SHARPNESS = 10.0
"""Turns least-squares class scores, about 0 to 1, into probabilities."""


def majority(data: LeafData, counts: dict[str, int]) -> Answers:
    """The commonest label of the training images, the first by name among equals, for every image.

    Args:
        data: The images to answer about.
        counts: Training images of each label.
    """
    label = min(counts, key=lambda name: (-counts[name], name))
    share = counts[label] / sum(counts.values())
    n = len(data)
    return Answers(data.labels, np.full(n, label), np.full(n, share), _paths(data), frozenset(counts))


def fit_colour(pixels: np.ndarray, truth: np.ndarray, n_classes: int) -> np.ndarray:
    """Weights of a least-squares classifier on the mean colour and its squares, shape (10, n_classes)."""
    features = colour_features(pixels)
    penalty = 1e-3 * len(features) * np.eye(features.shape[1])
    return np.linalg.solve(features.T @ features + penalty, features.T @ np.eye(n_classes)[truth])


def colour_features(pixels: np.ndarray) -> np.ndarray:
    """1, mean red, green and blue, and their products, shape (n, 10), of pixels (n, h, w, 3)."""
    mean = pixels.mean(axis=(1, 2), dtype=np.float64) / 127.5 - 1
    products = [mean[:, i] * mean[:, j] for i in range(3) for j in range(i, 3)]
    return np.column_stack([np.ones(len(mean)), mean, *products])


def mean_colour(data: LeafData, pixels: np.ndarray, weights: np.ndarray, counts: dict[str, int]) -> Answers:
    """What the mean colour of each picture says: a measure of how little of the leaf a task needs."""
    probabilities = softmax(SHARPNESS * colour_features(pixels) @ weights)
    said = np.array(list(counts))[probabilities.argmax(axis=1)]
    return Answers(data.labels, said, probabilities.max(axis=1), _paths(data), frozenset(counts))


def _paths(data: LeafData) -> np.ndarray:
    return data.frame["path"].to_numpy(dtype=str)
