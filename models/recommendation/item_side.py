"""EASE over the head of the catalogue, and the tail from the head and from factors."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from models.recommendation.ease import regularised_inverse
from models.recommendation.factors import Factors
from models.recommendation.files import pack, unpack

COLUMNS = 4096
"""Items handled at a time: a dense block is `COLUMNS` × the head."""
FACTORS_SHARE = 0.25
"""Share of the factors in a score of the tail; the rest is the regression on the head.

Either alone is worse: on further splits of the movies' and the journey's training parts, with heads of 300 to 1,000
items, the mixture adds 2 to 13 % to the tail's NDCG@10 and moves the catalogue's as a whole by less than 1 %.
"""


@dataclass(frozen=True)
class ItemSide:
    """EASE over the head of the catalogue; the rest is regressed on the head, and factorised.

    B of the head is EASE's. A column of the tail is the ridge regression of that item on the head's items,
    P·X_hᵀ·x_t, from the same inverse. Of every column the `neighbours` strongest weights are kept. An item of the tail
    scores (1 − s)·w·B + s·⟨user, item⟩ with the factors of `factors.py`, which also hear what a user has of the tail.

    Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data (WWW 2019).
    """

    weights: sp.csr_matrix
    links: sp.csr_matrix
    tail: np.ndarray
    factors: Factors

    over = "items"

    @classmethod
    def fit(
        cls,
        taste: sp.csr_matrix,
        weights: sp.csr_matrix,
        reg: float,
        head: np.ndarray,
        neighbours: int,
        seed: int = 0,
    ) -> "ItemSide":
        """Fit on histories of shape (n_users, n_items); `head` holds the positions of the items of the head."""
        sold = np.asarray(taste.sum(axis=0)).ravel() > 0
        tail = np.setdiff1d(np.flatnonzero(sold), head)
        nothing = Factors(np.zeros((taste.shape[0], 0), np.float32), np.zeros((0, 0), np.float32))
        factors = Factors.fit(taste, tail, seed) if len(tail) else nothing
        return cls(weights, item_links(taste, reg, head, neighbours), tail, factors)

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Weighted sums over what a user has, shape (n_users, n_items)."""
        scores = np.asarray((self.weights[users] @ self.links).toarray(), dtype=np.float32)
        if len(self.tail):
            scores[:, self.tail] *= 1 - FACTORS_SHARE
            scores[:, self.tail] += np.float32(FACTORS_SHARE) * self.factors.scores(users)
        return scores

    def arrays(self) -> dict[str, np.ndarray]:
        """The weighted histories, the sparse item × item weights and the factors."""
        parts = {"tail": self.tail, "user_factors": self.factors.users, "item_factors": self.factors.items}
        return {**pack("weights", self.weights), **pack("links", self.links), **parts}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "ItemSide":
        """The model that `arrays` came from."""
        factors = Factors(arrays["user_factors"], arrays["item_factors"])
        return cls(unpack("weights", arrays), unpack("links", arrays), arrays["tail"], factors)


def item_links(taste: sp.csr_matrix, reg: float, head: np.ndarray, neighbours: int) -> sp.csr_matrix:
    """Item × item weights: EASE's among the head, the tail regressed on the head, shape (n_items, n_items)."""
    of_head = taste[:, head].T.tocsr()
    inverse = regularised_inverse((of_head @ taste[:, head]).toarray(), reg)
    starts = range(0, taste.shape[1], COLUMNS)
    blocks = [_strongest(_columns(of_head, taste, inverse, head, start), neighbours) for start in starts]
    narrow = sp.hstack(blocks, format="csr", dtype=np.float32)
    ones = np.ones(len(head), np.float32)
    place = sp.csr_matrix((ones, (head, np.arange(len(head)))), shape=(taste.shape[1], len(head)))
    return (place @ narrow).tocsr()


def _columns(
    of_head: sp.csr_matrix, taste: sp.csr_matrix, inverse: np.ndarray, head: np.ndarray, start: int
) -> np.ndarray:
    """Weights of `COLUMNS` items from `start` on over the head's items, shape (n_head, n_columns)."""
    stop = min(start + COLUMNS, taste.shape[1])
    place = np.full(taste.shape[1], -1)
    place[head] = np.arange(len(head))
    own = place[start:stop]
    block = np.empty((len(head), stop - start), np.float32)
    tail = own < 0
    if tail.any():
        together = of_head @ taste[:, np.flatnonzero(tail) + start]
        block[:, tail] = inverse @ together.toarray().astype(np.float32)
    ease = -inverse[:, own[~tail]] / np.diag(inverse)[own[~tail]]
    ease[own[~tail], np.arange(ease.shape[1])] = 0
    block[:, ~tail] = ease
    return block


def _strongest(block: np.ndarray, keep: int) -> sp.csc_matrix:
    """The `keep` largest weights by size of each column, as a sparse matrix."""
    if keep < len(block):
        size = np.abs(block)
        bar = np.partition(size, len(block) - keep, axis=0)[len(block) - keep]
        block = np.where(size >= bar, block, 0)
    return sp.csc_matrix(block)
