"""The family's algorithms behind one name each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from models.errors import UnknownAlgorithm
from models.evaluation import Recipe
from models.hyperparameters import configured
from models.recommendation import collaborative, hybrid
from models.recommendation.again import Again
from models.recommendation.collaborative_config import CollaborativeConfig
from models.recommendation.content import features
from models.recommendation.events import Events
from models.recommendation.hybrid import HybridConfig, Mixed
from models.recommendation.popularity import Popular, buyers, most_bought, purchases, recent_buyers
from models.recommendation.recommender import Ranker


class PopularityConfig(BaseModel, frozen=True, extra="forbid"):
    """Popularity has nothing to choose."""


@dataclass(frozen=True)
class Crowd(Popular):
    """Popularity as a ranker."""

    def arrays(self) -> dict[str, np.ndarray]:
        """The strengths."""
        return {"strength": self.strength}


@dataclass(frozen=True)
class Described:
    """Content alone as a ranker."""

    mixed: Mixed
    chosen: dict[str, Any]

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user, shape (n_users, n_items)."""
        return self.mixed.scores(users)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that has to be saved."""
        return self.mixed.arrays()


@dataclass(frozen=True)
class Fitted:
    """A fitted ranker for discovery, what is bought again, and what validation chose."""

    ranker: Ranker
    events: Events
    chosen: dict[str, Any]

    @cached_property
    def again(self) -> Again:
        """Fitted when first asked for: discovery does without."""
        return Again.fit(self.events, purchases(self.events))

    def scorer(self, mode: str) -> Callable[[np.ndarray], np.ndarray]:
        """The scores that a mode ranks by; popularity is the same in every mode."""
        return self.again.scores if mode == "again" and not isinstance(self.ranker, Crowd) else self.ranker.scores


CONFIGS: dict[str, type[BaseModel]] = {
    "hybrid": HybridConfig,
    "collaborative": CollaborativeConfig,
    "content": HybridConfig,
    "popularity": PopularityConfig,
    "recent_popularity": PopularityConfig,
}


def config(recipe: Recipe) -> Any:
    """The recipe's hyperparameters, checked.

    Raises:
        UnknownAlgorithm: The family has no such algorithm.
        BadData: A hyperparameter is not known or out of range.
    """
    if recipe.algorithm not in CONFIGS:
        raise UnknownAlgorithm(f"algorithm {recipe.algorithm!r} is not known; choose one of {', '.join(CONFIGS)}")
    return configured(CONFIGS[recipe.algorithm], recipe.algorithm, recipe.params)


def fit(events: Events, items: pd.DataFrame | None, recipe: Recipe) -> Fitted:
    """Fit a recipe's algorithm on events; without a catalogue the hybrid is its collaborative side alone."""
    ranker = _ranker(events, items, recipe.algorithm, config(recipe))
    return Fitted(ranker, events, getattr(ranker, "chosen", {"personal": False}))


def _ranker(events: Events, items: pd.DataFrame | None, algorithm: str, settings: Any) -> Ranker:
    if algorithm == "recent_popularity":
        return Crowd(recent_buyers(events))
    if algorithm == "popularity" or (algorithm == "content" and items is None):
        return Crowd(buyers(events))
    if algorithm == "collaborative" or items is None:
        return collaborative.fit(events, settings)
    if algorithm == "hybrid":
        return hybrid.fit(events, items, settings)
    described = features(items, events, observed=True)
    reg, share = hybrid.choose_content(events, described, settings)
    head = most_bought(buyers(events), settings.validation_items)
    chosen = {"personal": True, "content_reg": reg, "taste": share}
    return Described(hybrid.fit_content(events, described, head, reg, share), chosen)


def restore(arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> Ranker:
    """The ranker whose arrays were saved."""
    if "strength" in arrays:
        return Crowd(arrays["strength"])
    if "line" in arrays:
        return hybrid.Hybrid.from_arrays(arrays, chosen)
    if "crowd" in arrays:
        return Described(Mixed.from_arrays(arrays), chosen)
    return collaborative.Collaborative.from_arrays(arrays, chosen)
