"""What learning leaves: a ranker for discovery, and what is bought again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from models.recommendation.again import Again
from models.recommendation.events import Events
from models.recommendation.popularity import Popular, purchases
from models.recommendation.recommender import Ranker


@dataclass(frozen=True)
class Fitted:
    """A fitted ranker and the events that it was fitted on."""

    ranker: Ranker
    events: Events

    @property
    def chosen(self) -> dict[str, Any]:
        """What validation chose."""
        return self.ranker.chosen

    @cached_property
    def again(self) -> Again:
        """Fitted when first asked for: discovery does without."""
        return Again.fit(self.events, purchases(self.events))

    def scorer(self, mode: str) -> Callable[[np.ndarray], np.ndarray]:
        """The scores that a mode ranks by; popularity is the same in every mode."""
        return self.again.scores if mode == "again" and not isinstance(self.ranker, Popular) else self.ranker.scores
