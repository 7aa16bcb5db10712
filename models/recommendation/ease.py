"""EASE in closed form, computed over the users where they are fewer than the items."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg as sla
import scipy.sparse as sp

from models.errors import BadData
from models.recommendation.files import pack, unpack

COLUMNS = 4096
"""Items handled at a time where a dense users × items block is needed."""
LEAST_LEFT = 1e-3
"""Floor of the leave-one-out denominator: an item that one user alone explains must not divide by nothing."""


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

    over = "users"

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

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "UserSide":
        """The model that `arrays` came from."""
        return cls(unpack("taste", arrays), arrays["coefficients"], arrays["left"])


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
