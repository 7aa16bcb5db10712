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
from models.recommendation.controls import Shelf, pick
from models.recommendation.reasons import Reasons
from models.recommendation.requests import check

FAMILY = "recommender"


class Ranker(Protocol):
    """Scores all items for users by position; what an algorithm's `fit` and `load` give."""

    @property
    def algorithm(self) -> str:
        """The algorithm whose `load` restores it; another than was asked for where that has too little to go by."""

    @property
    def chosen(self) -> dict[str, Any]:
        """The hyperparameters in force, as far as validation chose them; `personal` says whether it knows tastes."""

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
    """A fitted recommender over tables of users (user_id) and items (item_id, title, category, seller, moment, new)."""

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
    def shelf(self) -> Shelf:
        """Category and news of each item."""
        category = self.items["category"]
        kind = np.where(category == "", -1, pd.factorize(category)[0])
        return Shelf(kind, self.items["new"].to_numpy(dtype=bool))

    @cached_property
    def reasons(self) -> Reasons:
        """What tells why an item is shown."""
        return Reasons(self.items, self.history, self.popular, self.again)

    def recommend(
        self,
        user_id: str,
        n: int = 10,
        exclude: Iterable[str] = (),
        mode: str = "discover",
        max_per_category: int | None = None,
        min_new: int = 0,
    ) -> list[Recommendation]:
        """The n best items for a user, fewer where fewer are left.

        A user nobody knows gets what is popular. In mode `discover` what the user has is left out; in mode `again`
        those things come first. What the catalogue calls sold out is never shown; what was sold out since belongs in
        `exclude`. `max_per_category` limits the items of a kind, `min_new` keeps places for what is new.
        """
        user = self.user_position.get(user_id)
        scores = self._scores(user, mode)
        scores[[self.item_position[item] for item in exclude if item in self.item_position]] = -np.inf
        best = pick(scores, n, self.shelf, max_per_category, min_new)
        return [
            Recommendation(str(self.items["item_id"].iat[item]), round(float(scores[item]), 6), reason)
            for item, reason in zip(best, self._reasons(user, best, mode), strict=True)
        ]

    def _scores(self, user: int | None, mode: str) -> np.ndarray:
        if user is None:
            return np.where(self.offered & (self.popular > 0), self.popular, -np.inf).astype(np.float32)
        if mode == "again":
            scores = self.again.scores(np.array([user]))[0].astype(np.float32)
            return np.where(self.offered & (self.popular > 0), scores, -np.inf)
        scores = np.array(self.ranker.scores(np.array([user]))[0], dtype=np.float32)
        scores[~self.offered] = -np.inf
        scores[self.history[[user]].indices] = -np.inf
        return scores

    def score_users(self, user_ids: Iterable[str]) -> np.ndarray:
        """Discovery scores of all items for known users, shape (n_users, n_items)."""
        return self.ranker.scores(np.array([self.user_position[user] for user in user_ids]))

    def _reasons(self, user: int | None, items: np.ndarray, mode: str) -> list[str]:
        if user is None or (mode == "discover" and not self.notes.get("personal", True)):
            return self.reasons.of_crowd(items)
        return self.reasons.of_habit(user, items) if mode == "again" else self.reasons.of_taste(user, items)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The endpoint's body for one request.

        Raises:
            BadRequest: A field is missing or out of range.
        """
        ask = check(request)
        controls = (ask.mode, ask.max_per_category, ask.min_new)
        found = self.recommend(ask.user_id, ask.n_recommendations, ask.exclude_items, *controls)
        return {"user_id": ask.user_id, "recommendations": [dict(r._asdict()) for r in found]}

    def save(self, directory: Path) -> None:
        """Write model.json, arrays.npz, users.parquet and items.parquet."""
        header = {"family": FAMILY, "algorithm": self.algorithm, "params": self.params, "notes": self.notes}
        header["ranker"] = self.ranker.algorithm
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
