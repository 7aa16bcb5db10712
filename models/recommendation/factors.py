"""Factors of users and items from all of a market's histories: what a sparse tail still says about taste."""

import os
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

FACTORS = 32
REG = 30.0
ALPHA = 5.0
"""Weight of a pair that occurs against one that does not."""
ITERATIONS = 10


@dataclass(frozen=True)
class Factors:
    """Vectors of users and of some items, in float32; their product is near 1 where a user has an item, 0 elsewhere.

    Fitted by alternating least squares over all pairs, those that do not occur at a lower weight.

    Source: Hu, Koren & Volinsky, Collaborative Filtering for Implicit Feedback Datasets (ICDM 2008).
    """

    users: np.ndarray
    items: np.ndarray

    @classmethod
    def fit(cls, taste: sp.csr_matrix, items: np.ndarray, seed: int = 0) -> "Factors":
        """Fit on histories of shape (n_users, n_items); of the items, those at the positions `items` are kept."""
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        with threadpool_limits(1, "blas"):  # it has threads of its own
            model = AlternatingLeastSquares(
                FACTORS, regularization=REG, alpha=ALPHA, iterations=ITERATIONS, random_state=seed, num_threads=threads
            )
            model.fit(taste, show_progress=False)
        return cls(np.asarray(model.user_factors), np.asarray(model.item_factors)[items])

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of the kept items for each user position, shape (n_users, n_kept)."""
        return np.asarray(self.users[users] @ self.items.T, dtype=np.float32)
