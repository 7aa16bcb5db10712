"""What everybody buys: the baselines every recommender must beat, and the answer to a user nobody knows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from models.algorithm import Algorithm
from models.recommendation.events import Events
from models.recommendation.splits import DAY_MS

RECENT_DAYS = 28


def buyers(events: Events) -> np.ndarray:
    """How many users bought each item, shape (n_items,)."""
    bought = events.take(events.positive)
    once = bought.matrix()  # a pair that occurs twice is one entry
    return np.bincount(once.indices, minlength=events.shape[1]).astype(np.float32)


def recent_buyers(events: Events, days: int = RECENT_DAYS) -> np.ndarray:
    """As `buyers`, over the last `days` of the events."""
    bought = events.take(events.positive)
    if not len(bought):
        return np.zeros(events.shape[1], np.float32)
    return buyers(bought.take(bought.time > bought.time.max() - days * DAY_MS))


def purchases(events: Events) -> np.ndarray:
    """How often each item was bought, repeats included, shape (n_items,)."""
    bought = events.take(events.positive)
    return np.bincount(bought.item, bought.count, minlength=events.shape[1]).astype(np.float32)


def most_bought(popular: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n items with the most buyers, of those that have any, in order of position."""
    best = np.argsort(-popular, kind="stable")[:n]
    return np.sort(best[popular[best] > 0])


class PopularityConfig(BaseModel, frozen=True, extra="forbid"):
    """Popularity has nothing to choose."""


@dataclass(frozen=True)
class Popular:
    """The same score of an item for every user."""

    strength: np.ndarray
    algorithm: str = "popularity"

    @property
    def chosen(self) -> dict[str, Any]:
        """It knows no tastes."""
        return {"personal": False}

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user, shape (n_users, n_items)."""
        return np.tile(self.strength, (len(users), 1))

    def arrays(self) -> dict[str, np.ndarray]:
        """The strengths."""
        return {"strength": self.strength}


def _fit(events: Events, items: pd.DataFrame | None, config: PopularityConfig) -> Popular:
    return Popular(buyers(events))


def _fit_recent(events: Events, items: pd.DataFrame | None, config: PopularityConfig) -> Popular:
    return Popular(recent_buyers(events), "recent_popularity")


def _load(arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> Popular:
    return Popular(arrays["strength"])


def _load_recent(arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> Popular:
    return Popular(arrays["strength"], "recent_popularity")


POPULARITY = Algorithm("popularity", PopularityConfig, _fit, _load)
RECENT_POPULARITY = Algorithm("recent_popularity", PopularityConfig, _fit_recent, _load_recent)
