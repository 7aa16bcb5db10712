"""Scores of different makings on one scale."""

import numpy as np


def in_deviations(scores: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Each user's scores in standard deviations over `among`, by default over themselves, shape (n_users, n_items).

    A user to whom all are the same keeps them as they are.
    """
    spread = (scores if among is None else among).std(axis=1, keepdims=True)
    return np.asarray(scores / np.where(spread > 0, spread, 1), dtype=np.float32)
