"""Closed-form linear recommendation: EASE over items, or the same model over users where they are fewer."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp

from models.recommendation.files import pack, unpack

COLUMNS = 4096
"""Items handled at a time where a dense users × items block is needed."""
LEAST_LEFT = 1e-3
"""Floor of the leave-one-out denominator: an item that one user alone explains must not divide by nothing."""


class Linear(Protocol):
    """A fitted linear model over the rows of a history matrix."""

    @property
    def history(self) -> sp.csr_matrix:
        """The histories it scores from, shape (n_users, n_items)."""

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user position, shape (n_users, n_items)."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be saved beside the histories."""


@dataclass(frozen=True)
class UserSide:
    """EASE computed through the users' Gram matrix, for catalogues larger than the user base.

    With histories X (users × items), P = (XᵀX + reg·I)⁻¹ and B = I − P·diag(P)⁻¹ (EASE), Woodbury's identity gives
    X·P = (XXᵀ + reg·I)⁻¹·X and reg·diag(P)ⱼ = 1 − xⱼᵀ(XXᵀ + reg·I)⁻¹xⱼ, so no item × item matrix is ever built:
    memory is users², time is users³ + users · interactions. The whole catalogue takes part.

    Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data (WWW 2019), eq. 8; the identity is Woodbury's.
    """

    history: sp.csr_matrix
    inverse: np.ndarray
    left: np.ndarray

    @classmethod
    def fit(cls, history: sp.csr_matrix, reg: float) -> "UserSide":
        """Fit on histories of shape (n_users, n_items)."""
        inverse = regularised_inverse((history @ history.T).toarray(), reg)
        return cls(history, inverse, _left_out(history, inverse))

    def scores(self, users: np.ndarray) -> np.ndarray:
        """EASE's scores of items a user does not have; those of owned items mean nothing."""
        explained = (self.history.T @ self.inverse[users].T).T
        return -explained / self.left

    def arrays(self) -> dict[str, np.ndarray]:
        """The inverse and the leave-one-out denominators."""
        return {"inverse": self.inverse, "left": self.left}


def regularised_inverse(gram: np.ndarray, reg: float) -> np.ndarray:
    """(gram + reg·I)⁻¹ of a symmetric matrix, as float32."""
    a = np.array(gram, dtype=np.float64)
    a[np.diag_indices_from(a)] += reg
    factor, _ = sla.lapack.dpotrf(a, lower=1, overwrite_a=1)
    inverse, _ = sla.lapack.dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse)
    return np.asarray(lower + np.tril(lower, -1).T, dtype=np.float32)


def _left_out(history: sp.csr_matrix, inverse: np.ndarray) -> np.ndarray:
    """1 − xⱼᵀ·inverse·xⱼ for each column xⱼ of the histories, shape (n_items,)."""
    by_item = history.tocsc()
    left = np.ones(history.shape[1], np.float32)
    for start in range(0, history.shape[1], COLUMNS):
        block = by_item[:, start : start + COLUMNS]
        left[start : start + COLUMNS] -= np.asarray(block.multiply((block.T @ inverse).T).sum(axis=0)).ravel()
    return np.maximum(left, LEAST_LEFT)


@dataclass(frozen=True)
class ItemSide:
    """EASE over the head of the catalogue; the rest of the items are regressed on the head.

    B of the head is EASE's. A column of the tail is the ridge regression of that item on the head's items,
    P·X_hᵀ·x_t, from the same inverse. Of every column the `neighbours` strongest weights are kept.

    Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data (WWW 2019).
    """

    history: sp.csr_matrix
    weights: sp.csr_matrix

    @classmethod
    def fit(cls, history: sp.csr_matrix, reg: float, head: np.ndarray, neighbours: int) -> "ItemSide":
        """Fit on histories of shape (n_users, n_items); `head` holds the positions of the items of the head."""
        of_head = history[:, head].tocsr()
        gram = of_head.T @ history
        inverse = regularised_inverse(gram[:, head].toarray(), reg)
        columns = [
            _strongest(_columns(gram, inverse, head, start), neighbours)
            for start in range(0, history.shape[1], COLUMNS)
        ]
        narrow = sp.hstack(columns, format="csr", dtype=np.float32)
        place = sp.csr_matrix(
            (np.ones(len(head), np.float32), (head, np.arange(len(head)))), shape=(history.shape[1], len(head))
        )
        return cls(history, (place @ narrow).tocsr())

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Weighted sums over what a user has."""
        return np.asarray((self.history[users] @ self.weights).toarray(), dtype=np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """The sparse weights."""
        return pack("weights", self.weights)


def restore(history: sp.csr_matrix, arrays: dict[str, np.ndarray]) -> Linear | None:
    """The linear model whose `arrays` were saved, or None where there was none."""
    if "inverse" in arrays:
        return UserSide(history, arrays["inverse"], arrays["left"])
    return ItemSide(history, unpack("weights", arrays)) if "weights_indptr" in arrays else None


def _columns(gram: sp.csr_matrix, inverse: np.ndarray, head: np.ndarray, start: int) -> np.ndarray:
    """Weights of `COLUMNS` items from `start` on over the head's items, shape (n_head, n_columns)."""
    stop = min(start + COLUMNS, gram.shape[1])
    place = np.full(gram.shape[1], -1)
    place[head] = np.arange(len(head))
    own = place[start:stop]
    block = np.empty((len(head), stop - start), np.float32)
    tail = own < 0
    if tail.any():
        block[:, tail] = inverse @ gram[:, np.flatnonzero(tail) + start].toarray().astype(np.float32)
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
