"""The named peers of the recommender: train events to scores, tuned where there is something to tune."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from models.recommendation import splits
from models.recommendation.data import RecommenderData
from models.recommendation.ease import regularised_inverse
from models.recommendation.events import Events, last_of_each_pair, positives
from models.recommendation.metrics import judge
from models.recommendation.popularity import buyers, most_bought, recent_buyers
from models.recommendation.splits import Split

EASE_HEAD = 6000
Score = Callable[[np.ndarray], np.ndarray]


def tuned(events: Events, trials: list[Any], fit: Callable[[Events, Any], Score]) -> Score:
    """The trial with the best NDCG@10 on a further split of train, fitted on all of train."""
    inner = splits.make(events)
    best = max(trials, key=lambda trial: float(judge(fit(inner.train, trial), inner).ndcg.mean()))
    return fit(events, best)


def ease(events: Events, reg: float) -> Score:
    """Textbook EASE over the most bought items."""
    matrix, popular = last_of_each_pair(positives(events)).matrix(), buyers(events)
    head = most_bought(popular, EASE_HEAD)
    x = matrix[:, head].tocsr()
    inverse = regularised_inverse((x.T @ x).toarray(), reg)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)

    def score(users: np.ndarray) -> np.ndarray:
        wide = np.full((len(users), events.shape[1]), -1e6, np.float32) + popular
        wide[:, head] = x[users] @ weights
        return wide

    return score


def implicit_als(events: Events, trial: dict[str, Any]) -> Score:
    """Alternating least squares of the package implicit."""
    from implicit.als import AlternatingLeastSquares

    matrix = last_of_each_pair(positives(events)).matrix()
    model = AlternatingLeastSquares(
        **trial, iterations=15, random_state=0, num_threads=int(os.environ["OMP_NUM_THREADS"])
    )
    model.fit(matrix, show_progress=False)
    return lambda users: model.user_factors[users] @ model.item_factors.T


def dense_svd(events: Events, k: int = 50) -> Score:
    """The naive way: a dense matrix whose empty cells hold the mean, centred, then a truncated SVD."""
    from scipy.sparse.linalg import svds

    matrix = last_of_each_pair(positives(events)).matrix().toarray().astype(np.float64)
    filled = np.where(matrix > 0, matrix, matrix.mean())
    filled -= filled.mean(axis=1, keepdims=True)
    u, s, vt = svds(filled, k=min(k, min(filled.shape) - 1), random_state=0)
    return lambda users: ((u[users] * s) @ vt).astype(np.float32)


def peer(name: str, events: Events, data: RecommenderData, split: Split) -> Score:
    """A peer's scores, tuned where there is something to tune."""
    if name == "ease":
        return tuned(events, [100.0, 300.0, 1000.0, 3000.0], ease)
    if name == "implicit_als":
        grid = [
            {"factors": f, "regularization": r, "alpha": a}
            for f, r, a in ((8, 50.0, 1), (16, 1.0, 1), (32, 10.0, 1), (64, 1.0, 5))
        ]
        return tuned(events, grid, implicit_als)
    if name == "dense_svd":
        return dense_svd(events)
    strength = {"popularity": buyers, "recent_popularity": recent_buyers}.get(name)
    if strength:
        found = strength(events)
        return lambda users: np.tile(found, (len(users), 1))
    from models.recommendation.evaluate import baseline_scorers

    return baseline_scorers(split, data)[name]
