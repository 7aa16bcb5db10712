"""The linear model over whichever side of the histories is smaller, and the same model as a function of the weights."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from models.recommendation.ease import LEAST_LEFT, UserSide, regularised_inverse
from models.recommendation.item_side import ItemSide, item_links


class Linear(Protocol):
    """A fitted linear model that scores the items a user does not have; scores of owned items mean nothing."""

    @property
    def over(self) -> str:
        """Its side, `users` or `items`."""

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user position, shape (n_users, n_items)."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be saved."""


SIDES: dict[str, type[UserSide] | type[ItemSide]] = {side.over: side for side in (UserSide, ItemSide)}


def over_users(shape: tuple[int, int], largest_side: int) -> bool:
    """Whether the model is over users: where they are the smaller side, and fit."""
    return shape[0] <= largest_side and shape[0] < shape[1]


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
