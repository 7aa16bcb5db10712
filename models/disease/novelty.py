"""How far a picture is from every leaf the model has seen: a softmax is sure of itself on photographs of cats too."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Novelty:
    """Mahalanobis distance of an embedding to the nearest class, with one covariance for all classes.

    Attributes:
        means: Mean embedding of each class, shape (k, d).
        whitening: Matrix that makes the shared covariance the identity, shape (d, d).
        limit: Distance beyond which a picture is not one of these leaves.

    Source: Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples, NeurIPS 2018.
    """

    means: np.ndarray
    whitening: np.ndarray
    limit: float

    def distance(self, embeddings: np.ndarray) -> np.ndarray:
        """Distance to the nearest class mean, shape (n,), for embeddings of shape (n, d)."""
        points = np.asarray(embeddings, dtype=np.float64) @ self.whitening
        centres = self.means @ self.whitening
        squares = (points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1)[None]
        return np.sqrt(np.clip(squares.min(axis=1), 0, None))


def fit_novelty(
    embeddings: np.ndarray, truth: np.ndarray, n_classes: int, unseen: np.ndarray, *, accepted: float = 0.99
) -> Novelty:
    """Class means and covariance from training embeddings, the limit from `unseen` ones.

    Args:
        embeddings: Of the training images, shape (n, d).
        truth: Their classes, shape (n,).
        n_classes: Classes that the model knows.
        unseen: Embeddings of images that training has not seen, shape (m, d).
        accepted: Share of `unseen` that stays within the limit.
    """
    points = np.asarray(embeddings, dtype=np.float64)
    overall = points.mean(axis=0)
    means = np.stack([points[truth == c].mean(axis=0) if (truth == c).any() else overall for c in range(n_classes)])
    spread = points - means[truth]
    covariance = spread.T @ spread / len(points)
    shrunk = 0.9 * covariance + (0.1 * np.trace(covariance) / len(covariance) + 1e-9) * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(shrunk)
    novelty = Novelty(means, vectors / np.sqrt(values), np.inf)
    reference = unseen if len(unseen) else embeddings
    return Novelty(means, novelty.whitening, float(np.quantile(novelty.distance(reference), accepted)))
