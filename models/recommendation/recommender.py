"""The recommender that serves: it knows ids, histories and reasons, and answers requests."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import scipy.sparse as sp

from models.recommendation import files
from models.recommendation.again import Again
from models.recommendation.controls import DEPTH, at_most_per_category
from models.recommendation.metrics import top
from models.recommendation.requests import check

FAMILY = "recommender"
TELLING = 0.75
"""How much a companion's own popularity speaks against naming it: 0.5 is cosine, 1 is the share of its buyers."""
TOLD = 40
"""Items of a history that may be named in a reason."""


class Ranker(Protocol):
    """Scores all items for users by position."""

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items, shape (n_users, n_items); higher is better, the scale is the ranker's own."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be saved beside the histories."""


class Recommendation(NamedTuple):
    """An item to show. The score orders the items of one answer; it is not a probability."""

    product_id: str
    score: float
    reason: str


@dataclass(frozen=True)
class Recommender:
    """A fitted recommender over `users` and `items` (tables with user_id; item_id, title, category)."""

    algorithm: str
    params: dict[str, Any]
    users: pd.DataFrame
    items: pd.DataFrame
    history: sp.csr_matrix
    popular: np.ndarray
    ranker: Ranker
    again: Again
    offered: np.ndarray
    notes: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def user_position(self) -> dict[str, int]:
        """Where a user id is in the arrays."""
        return {user: position for position, user in enumerate(self.users["user_id"])}

    @cached_property
    def item_position(self) -> dict[str, int]:
        """Where an item id is in the arrays."""
        return {item: position for position, item in enumerate(self.items["item_id"])}

    @cached_property
    def kinds(self) -> np.ndarray:
        """Code of each item's category, −1 where it has none."""
        category = self.items["category"]
        return np.where(category == "", -1, pd.factorize(category)[0])

    def recommend(
        self,
        user_id: str,
        n: int = 10,
        exclude: Iterable[str] = (),
        mode: str = "discover",
        per_category: int | None = None,
    ) -> list[Recommendation]:
        """The n best items for a user, fewer where fewer are left.

        A user nobody knows gets what is popular. In mode `discover` what the user has is left out; in mode `again`
        those things come first. What is out of stock belongs in `exclude`; `per_category` limits the items of a kind.
        """
        user = self.user_position.get(user_id)
        scores = self._scores(user, mode)
        scores[[self.item_position[item] for item in exclude if item in self.item_position]] = -np.inf
        best = top(scores[None, :], n if per_category is None else n * DEPTH)[0]
        if per_category is not None:
            best = at_most_per_category(best, self.kinds, per_category, n)
        best = best[best >= 0]
        return [
            Recommendation(str(self.items["item_id"].iat[item]), round(float(scores[item]), 6), reason)
            for item, reason in zip(best, self._reasons(user, best, mode), strict=True)
        ]

    def _scores(self, user: int | None, mode: str) -> np.ndarray:
        if user is None:
            scores = self.popular.astype(np.float32, copy=True)
            scores[scores <= 0] = -np.inf
            return scores
        if mode == "again":
            scores = self.again.scores(np.array([user]))[0].astype(np.float32)
            return np.where((self.popular > 0) | (scores > 0), scores, -np.inf)
        scores = np.array(self.ranker.scores(np.array([user]))[0], dtype=np.float32)
        scores[~self.offered] = -np.inf
        scores[self.history[[user]].indices] = -np.inf
        return scores

    def score_users(self, user_ids: Iterable[str]) -> np.ndarray:
        """Discovery scores of all items for known users, shape (n_users, n_items)."""
        return self.ranker.scores(np.array([self.user_position[user] for user in user_ids]))

    def _reasons(self, user: int | None, items: np.ndarray, mode: str) -> list[str]:
        if user is None or (mode == "discover" and not self.notes.get("personal", True)):
            return ["popular with everyone"] * len(items)
        if mode == "again":
            return [self._habit(user, item) for item in items]
        return self._company(user, items)

    def _habit(self, user: int, item: int) -> str:
        if self.again.habit[user, item] <= 0:
            return "popular with everyone"
        days = self.again.interval_days[user, item]
        return f"you buy this about every {max(round(float(days)), 1)} days" if days > 0 else "you bought this before"

    def _company(self, user: int | None, items: np.ndarray) -> list[str]:
        """Of the user's things, the one most often found with each item (by their common buyers)."""
        row = self.history[[user]]
        mine = row.indices[np.argsort(-self.again.habit[[user]].toarray()[0][row.indices], kind="stable")[:TOLD]]
        if not len(mine):
            return ["popular with everyone"] * len(items)
        together = (self._buyers[:, mine].T @ self._buyers[:, items]).toarray()
        likeness = together / np.maximum(self.popular[mine], 1)[:, None] ** TELLING
        titles = self.items["title"]
        return [
            self._said(items[at], str(titles.iat[mine[best]]) if likeness[best, at] > 0 else "")
            for at, best in enumerate(likeness.argmax(axis=0))
        ]

    def _said(self, item: int, companion: str) -> str:
        if self.popular[item] <= 0:
            kind = str(self.items["category"].iat[item])
            return f"new in {kind}" if kind else "new here"
        return f"often bought with {companion}" if companion else "popular with everyone"

    @cached_property
    def _buyers(self) -> sp.csc_matrix:
        return self.history.tocsc()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The endpoint's body for one request.

        Raises:
            BadRequest: A field is missing or out of range.
        """
        ask = check(request)
        found = self.recommend(ask.user_id, ask.n, ask.exclude, ask.mode)
        return {"user_id": ask.user_id, "recommendations": [dict(r._asdict()) for r in found]}

    def save(self, directory: Path) -> None:
        """Write model.json, arrays.npz, users.parquet and items.parquet."""
        header = {"family": FAMILY, "algorithm": self.algorithm, "params": self.params, "notes": self.notes}
        arrays = {
            **files.pack("history", self.history),
            **files.pack("habit", self.again.habit),
            **files.pack("interval", self.again.interval_days),
            "popular": self.popular,
            "offered": self.offered,
            "again_popular": self.again.popular,
            **{f"ranker_{name}": values for name, values in self.ranker.arrays().items()},
        }
        files.write(Path(directory), header, arrays, {"users": self.users, "items": self.items})
