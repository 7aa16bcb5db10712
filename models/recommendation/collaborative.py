"""Collaborative filtering on implicit feedback, sparse from end to end, that knows when to follow the crowd."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from models.errors import BadData
from models.recommendation.collaborative_config import Choice, CollaborativeConfig, over_users
from models.recommendation.ease import UserSide
from models.recommendation.events import Events, pairs_with_hints
from models.recommendation.item_side import ItemSide
from models.recommendation.linear import Linear, restore
from models.recommendation.popularity import buyers, most_bought
from models.recommendation.profile import taste, weighted
from models.recommendation.scaling import in_deviations
from models.recommendation.trend import Trend
from models.recommendation.tuning import choose


@dataclass(frozen=True)
class Collaborative:
    """A fitted collaborative model.

    The score of item i for user u is l(u, i) / σ_u + Σ_w trends_w · t_w(u, i) / σ_uw: the linear model's answer to the
    user's weighted history, and what others bought within w days of the user's last visit, each in standard deviations
    over the head of the catalogue. Where validation found no personal signal it is the number of buyers.
    """

    choice: Choice
    popular: np.ndarray
    head: np.ndarray
    linear: Linear | None = None
    trend: Trend | None = None

    @property
    def chosen(self) -> dict[str, Any]:
        """The hyperparameters in force."""
        return self.choice.model_dump()

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user position, shape (n_users, n_items)."""
        if self.linear is None or self.trend is None:
            return np.tile(self.popular, (len(users), 1))
        total = self._scaled(self.linear.scores(users))
        for window, share in self.choice.trends.items():
            total += np.float32(share) * self._scaled(self.trend.scores(users, float(window)))
        return total

    def _scaled(self, scores: np.ndarray) -> np.ndarray:
        return in_deviations(scores, scores[:, self.head])

    def arrays(self) -> dict[str, np.ndarray]:
        """All that has to be saved."""
        parts = {"popular": self.popular, "head": self.head}
        if self.linear is None or self.trend is None:
            return parts
        return {**parts, **self.linear.arrays(), **self.trend.arrays()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> "Collaborative":
        """The model that `arrays` and `chosen` came from."""
        linear, popular = restore(arrays), arrays["popular"]
        trend = Trend.from_arrays(arrays, len(popular)) if linear is not None else None
        return cls(Choice(**chosen), popular, arrays["head"], linear, trend)


def fit(events: Events, config: CollaborativeConfig) -> Collaborative:
    """Fit on events, choosing what the config leaves open on a further split of them."""
    choice = _given(config)
    if choice is None:
        choice = choose(events, config)
        if config.personal:
            choice = choice.model_copy(update={"personal": True})
    return fit_chosen(events, config, choice)


def _given(config: CollaborativeConfig) -> Choice | None:
    if config.personal is False:
        return Choice(reg=config.reg or 1.0, profile=config.profile or {}, trends=config.trends or {}, personal=False)
    if config.profile is None and config.trends is None:
        return None
    missing = [name for name in ("reg", "profile", "trends") if getattr(config, name) is None]
    if missing:
        raise BadData(
            f"hyperparameter {missing[0]}: profile and trends are weights beside reg; give all three or neither"
        )
    return Choice(reg=config.reg, profile=config.profile, trends=config.trends, personal=True)


def fit_chosen(events: Events, config: CollaborativeConfig, choice: Choice) -> Collaborative:
    """Fit on all of the events with hyperparameters that are settled."""
    popular = buyers(events)
    head = most_bought(popular, config.validation_items)
    if not choice.personal:
        return Collaborative(choice, popular, head)
    pairs = pairs_with_hints(events)
    linear = fit_linear(taste(pairs), weighted(pairs, choice.profile), choice.reg, config)
    return Collaborative(choice, popular, head, linear, Trend.fit(pairs))


def fit_linear(history: sp.csr_matrix, weights: sp.csr_matrix, reg: float, config: CollaborativeConfig) -> Linear:
    """EASE over whichever side is smaller; where neither fits, over the most bought items, and factors for the rest."""
    if over_users(history.shape, config):
        return UserSide.fit(history, weights, reg)
    head = most_bought(np.asarray(history.sum(axis=0)).ravel(), config.largest_side)
    return ItemSide.fit(history, weights, reg, head, config.neighbours, config.seed)
