"""What everybody buys: the baselines every recommender must beat, and the answer to a user nobody knows."""

from dataclasses import dataclass

import numpy as np

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


@dataclass(frozen=True)
class Popular:
    """The same score of an item for every user."""

    strength: np.ndarray

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user, shape (n_users, n_items)."""
        return np.tile(self.strength, (len(users), 1))
