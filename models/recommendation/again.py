"""What a household buys again: how often it bought a thing, and how long ago."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from models.recommendation.events import Events
from models.recommendation.splits import DAY_MS

HALF_LIFE_DAYS = 60.0


@dataclass(frozen=True)
class Again:
    """Purchases of each pair, halved every `half_life_days` before the end of the events.

    Items a user never bought follow those it did, by popularity.
    """

    habit: sp.csr_matrix
    popular: np.ndarray

    @classmethod
    def fit(cls, events: Events, popular: np.ndarray, half_life_days: float = HALF_LIFE_DAYS) -> "Again":
        """Fit on every purchase, repeats included."""
        bought = events.take(events.positive)
        age_days = (bought.time.max() - bought.time) / DAY_MS if len(bought) else np.zeros(0)
        return cls(bought.matrix(bought.count * 0.5 ** (age_days / half_life_days)), popular)

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user, shape (n_users, n_items); above 0 where the user bought the item."""
        scores = self.habit[users].toarray()
        filler = self.popular / (self.popular.max() + 1) - 1
        return np.where(scores > 0, scores, filler[None, :])
