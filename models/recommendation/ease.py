"""Closed-form linear recommendation: EASE over items, or the same model over users where they are fewer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp

from models.errors import BadData
from models.recommendation.files import pack, unpack

COLUMNS = 4096
"""Items handled at a time where a dense users × items block is needed."""
LEAST_LEFT = 1e-3
"""Floor of the leave-one-out denominator: an item that one user alone explains must not divide by nothing."""


class Linear(Protocol):
    """A fitted linear model that scores the items a user does not have; scores of owned items mean nothing."""

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user position, shape (n_users, n_items)."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be saved."""


@dataclass(frozen=True)
class UserSide:
    """EASE computed through the users' Gram matrix, for catalogues larger than the user base.

    With histories X (users × items), P = (XᵀX + reg·I)⁻¹ and B = I − P·diag(P)⁻¹ (EASE), Woodbury's identity gives
    W·B = (W·Xᵀ·(XXᵀ + reg·I)⁻¹·X) / left on items that W does not hold, where left is reg·diag(P), that is
    1 − xⱼᵀ(XXᵀ + reg·I)⁻¹xⱼ for item j, and W weights the same histories as X, or otherwise. No item × item matrix is
    ever built: memory is users², time is users³ + users · interactions. The whole catalogue takes part.

    Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data (WWW 2019), eq. 8; the identity is Woodbury's.
    """

    taste: sp.csr_matrix
    coefficients: np.ndarray
    left: np.ndarray

    @classmethod
    def fit(cls, taste: sp.csr_matrix, weights: sp.csr_matrix, reg: float) -> "UserSide":
        """Fit on histories X = `taste`, asked with W = `weights`, both of shape (n_users, n_items)."""
        inverse = regularised_inverse((taste @ taste.T).toarray(), reg)
        coefficients = (weights @ taste.T).toarray() @ inverse
        return cls(taste, np.asarray(coefficients, dtype=np.float32), _left_out(taste, inverse))

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of items a user does not have, shape (n_users, n_items)."""
        return np.asarray((self.taste.T @ self.coefficients[users].T).T / self.left)

    def arrays(self) -> dict[str, np.ndarray]:
        """The histories, the coefficients and the leave-one-out denominators."""
        return {**pack("taste", self.taste), "coefficients": self.coefficients, "left": self.left}


def regularised_inverse(gram: np.ndarray, reg: float) -> np.ndarray:
    """(gram + reg·I)⁻¹ of a symmetric positive semidefinite matrix, as float32.

    Raises:
        BadData: The matrix is not positive definite even so.
    """
    a = np.array(gram, dtype=np.float64, order="F")
    a[np.diag_indices_from(a)] += reg
    factor, failed = sla.lapack.dpotrf(a, lower=1, overwrite_a=1)
    if failed:
        raise BadData(f"the histories cannot be inverted with reg = {reg}; give a larger one")
    inverse, _ = sla.lapack.dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse)
    return np.asarray(lower + np.tril(lower, -1).T, dtype=np.float32)


def _left_out(taste: sp.csr_matrix, inverse: np.ndarray) -> np.ndarray:
    """1 − xⱼᵀ·inverse·xⱼ for each column xⱼ of the histories, shape (n_items,)."""
    by_item = taste.tocsc()
    left = np.ones(taste.shape[1], np.float32)
    for start in range(0, taste.shape[1], COLUMNS):
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

    weights: sp.csr_matrix
    links: sp.csr_matrix

    @classmethod
    def fit(
        cls, taste: sp.csr_matrix, weights: sp.csr_matrix, reg: float, head: np.ndarray, neighbours: int
    ) -> "ItemSide":
        """Fit on histories of shape (n_users, n_items); `head` holds the positions of the items of the head."""
        return cls(weights, item_links(taste, reg, head, neighbours))

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Weighted sums over what a user has, shape (n_users, n_items)."""
        return np.asarray((self.weights[users] @ self.links).toarray(), dtype=np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """The weighted histories and the sparse item × item weights."""
        return {**pack("weights", self.weights), **pack("links", self.links)}


def item_links(taste: sp.csr_matrix, reg: float, head: np.ndarray, neighbours: int) -> sp.csr_matrix:
    """Item × item weights: EASE's among the head, ridge regression of the tail on the head."""
    gram = (taste[:, head].T @ taste).tocsr()
    inverse = regularised_inverse(gram[:, head].toarray(), reg)
    starts = range(0, taste.shape[1], COLUMNS)
    columns = [_strongest(_columns(gram, inverse, head, start), neighbours) for start in starts]
    narrow = sp.hstack(columns, format="csr", dtype=np.float32)
    ones = np.ones(len(head), np.float32)
    place = sp.csr_matrix((ones, (head, np.arange(len(head)))), shape=(taste.shape[1], len(head)))
    return (place @ narrow).tocsr()


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


def restore(arrays: dict[str, np.ndarray]) -> Linear | None:
    """The linear model whose `arrays` were saved, or None where there was none."""
    if "coefficients" in arrays:
        return UserSide(unpack("taste", arrays), arrays["coefficients"], arrays["left"])
    return ItemSide(unpack("weights", arrays), unpack("links", arrays)) if "links_indptr" in arrays else None


Asked = Callable[[sp.csr_matrix], np.ndarray]
"""Weighted histories (rows: users) to scores of the items asked about, shape (n_rows, n_asked)."""


def probe(taste: sp.csr_matrix, reg: float, among: np.ndarray, head: np.ndarray | None, neighbours: int) -> Asked:
    """The model as a function of the weights, over the items `among` alone: what validation asks many times.

    Over users where `head` is None, over that head of the items otherwise.
    """
    if head is not None:
        links = item_links(taste, reg, head, neighbours)[:, among]
        return lambda weights: np.asarray((weights @ links).toarray(), dtype=np.float32)
    inverse = regularised_inverse((taste @ taste.T).toarray(), reg)
    narrow = taste[:, among].tocsc()
    spread = np.asarray((narrow.T @ inverse).T)
    left = np.maximum(1 - np.asarray(narrow.multiply(spread).sum(axis=0)).ravel(), LEAST_LEFT)
    return lambda weights: ((weights @ taste.T).toarray() @ spread / left).astype(np.float32)
