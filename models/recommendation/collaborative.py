"""Collaborative filtering on implicit feedback, sparse from end to end, that knows when to follow the crowd."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from pydantic import BaseModel, PositiveFloat, PositiveInt

from models.algorithm import Algorithm
from models.errors import BadData
from models.recommendation.ease import UserSide
from models.recommendation.events import Events, pairs_with_hints
from models.recommendation.item_side import ItemSide
from models.recommendation.linear import SIDES, Linear, over_users
from models.recommendation.popularity import buyers, most_bought
from models.recommendation.profile import KERNELS, taste, weighted
from models.recommendation.scaling import in_deviations
from models.recommendation.trend import Trend
from models.recommendation.tuning import WINDOWS, Choice, choose
from models.search import Choice as Options
from models.search import FloatRange, Range

SEARCH: dict[str, Range] = {
    "reg": FloatRange(1.0, 30_000.0, log=True),
    **{f"profile.{name}": FloatRange(0.01, 100.0, log=True, none_below=0.1) for name in KERNELS},
    **{f"trends.{name}": FloatRange(0.003, 5.0, log=True, none_below=0.02) for name in WINDOWS},
    "personal": Options((True,)),
}
NO_SIDE = "none"
"""In a saved model that follows the crowd, where the name of the linear model's side would stand."""


class CollaborativeConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """Hyperparameters of collaborative filtering; None is chosen on a further split of the training part."""

    reg: PositiveFloat | None = None
    """L2 strength of the item weights, in interactions."""
    profile: dict[str, float] | None = None
    """Share of each kernel of `profile.py` in the weight of a history's rows."""
    trends: dict[str, float] | None = None
    """Weight of what others bought around the user's last visit, by width of the window in days (`inf`: ever)."""
    personal: bool | None = None
    """Whether to trust the histories at all; False ranks by popularity."""
    largest_side: PositiveInt = 8192
    """Rows of the largest dense square matrix: bounds memory at about 20 bytes × its square."""
    neighbours: PositiveInt = 300
    """Weights kept per item where the model is over items."""
    validation_cells: PositiveInt = 1_500_000
    """Users × items asked when choosing hyperparameters."""
    validation_items: PositiveInt = 2500
    """Most items ranked when choosing hyperparameters, most bought first."""
    seed: int = 0
    """Which users are asked when choosing, and the resamples of the comparison with popularity."""


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

    algorithm = "collaborative"

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
        """All that has to be saved; `over` names the side of the linear model."""
        parts = {"popular": self.popular, "head": self.head}
        if self.linear is None or self.trend is None:
            return {**parts, "over": np.array(NO_SIDE)}
        return {**parts, "over": np.array(self.linear.over), **self.linear.arrays(), **self.trend.arrays()}


def fit(events: Events, items: pd.DataFrame | None, config: CollaborativeConfig) -> Collaborative:
    """Fit on events alone, choosing what the config leaves open on a further split of them."""
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
    if over_users(history.shape, config.largest_side):
        return UserSide.fit(history, weights, reg)
    head = most_bought(np.asarray(history.sum(axis=0)).ravel(), config.largest_side)
    return ItemSide.fit(history, weights, reg, head, config.neighbours, config.seed)


def load(arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> Collaborative:
    """The ranker that `arrays` and `chosen` came from."""
    choice, popular, head, over = Choice(**chosen), arrays["popular"], arrays["head"], str(arrays["over"])
    if over == NO_SIDE:
        return Collaborative(choice, popular, head)
    trend = Trend.from_arrays(arrays, len(popular))
    return Collaborative(choice, popular, head, SIDES[over].from_arrays(arrays), trend)


COLLABORATIVE = Algorithm("collaborative", CollaborativeConfig, fit, load, search=SEARCH, random=True)
