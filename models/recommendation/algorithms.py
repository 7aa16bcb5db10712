"""The family's algorithms behind one name each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ValidationError

from models.errors import BadData, UnknownAlgorithm
from models.evaluation import Recipe
from models.recommendation import collaborative
from models.recommendation.again import Again
from models.recommendation.collaborative import CollaborativeConfig
from models.recommendation.events import Events
from models.recommendation.popularity import Popular, buyers, purchases, recent_buyers
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
class Fitted:
    """A fitted ranker for discovery, what is bought again, and what validation chose."""

    ranker: Ranker
    again: Again
    chosen: dict[str, Any]

    def scorer(self, mode: str) -> Callable[[np.ndarray], np.ndarray]:
        """The scores that a mode ranks by."""
        return self.again.scores if mode == "again" else self.ranker.scores


CONFIGS: dict[str, type[BaseModel]] = {
    "collaborative": CollaborativeConfig,
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
    try:
        return CONFIGS[recipe.algorithm](**recipe.params)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise BadData(f"hyperparameter {'.'.join(map(str, first['loc']))}: {first['msg']}") from exc


def fit(events: Events, items: pd.DataFrame | None, recipe: Recipe) -> Fitted:
    """Fit a recipe's algorithm on events."""
    chosen_config = config(recipe)
    again = Again.fit(events, purchases(events))
    if recipe.algorithm == "popularity":
        return Fitted(Crowd(buyers(events)), again, {"personal": False})
    if recipe.algorithm == "recent_popularity":
        return Fitted(Crowd(recent_buyers(events)), again, {"personal": False})
    model = collaborative.fit(events, chosen_config)
    return Fitted(model, again, model.chosen)
