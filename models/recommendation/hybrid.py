"""Collaborative and content recommendation on one scale: new items take part from their first day."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from models.algorithm import Algorithm
from models.recommendation import collaborative, content
from models.recommendation.catalogue_features import features
from models.recommendation.collaborative import Collaborative, CollaborativeConfig
from models.recommendation.content import ContentConfig
from models.recommendation.events import Events
from models.recommendation.tastes import Mixed, Part
from models.recommendation.tuning import Choice

SCALED_USERS = 200


class HybridConfig(ContentConfig, CollaborativeConfig, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """Hyperparameters of the hybrid: those of collaborative filtering, and the content side's."""


@dataclass(frozen=True)
class Hybrid:
    """Collaborative scores where an item has buyers; elsewhere what its content makes of them, on the same scale.

    `line` holds intercept and slope of the regression of collaborative scores on content scores over the head: the
    content side's answer for a new item is the collaborative score that such content usually has.
    """

    warm: Collaborative
    mixed: Mixed
    line: tuple[float, float]
    chosen: dict[str, Any]

    algorithm = "hybrid"

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user position, shape (n_users, n_items)."""
        scores = self.warm.scores(users)
        if len(self.cold.items):
            scores[:, self.cold.items] = self.line[0] + self.line[1] * self.mixed.scores(users, self.cold)
        return scores

    @cached_property
    def cold(self) -> Part:
        """The items without buyers."""
        return self.mixed.part(np.flatnonzero(self.warm.popular <= 0))

    def arrays(self) -> dict[str, np.ndarray]:
        """All that has to be saved."""
        return {**self.warm.arrays(), **self.mixed.arrays(), "line": np.array(self.line)}


def fit(events: Events, items: pd.DataFrame | None, config: HybridConfig) -> Hybrid | Collaborative:
    """Fit both sides; without a catalogue it is its collaborative side alone.

    The content side's weights are chosen on items whose rows are withheld from train.
    """
    warm = collaborative.fit(events, None, config)
    if items is None:
        return warm
    described = features(items, events)
    reg, share = content.choose(events, described, config)
    mixed = Mixed.fit(events, described, warm.head, reg, share)
    chosen = {**warm.chosen, "content_reg": reg, "taste": share}
    return Hybrid(warm, mixed, _line(warm, mixed, events.shape[0]), chosen)


def load(arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> Hybrid:
    """The ranker that `arrays` and `chosen` came from."""
    settled = {name: chosen[name] for name in Choice.model_fields}
    low, slope = arrays["line"]
    return Hybrid(collaborative.load(arrays, settled), Mixed.from_arrays(arrays), (low, slope), chosen)


def _line(warm: Collaborative, mixed: Mixed, n_users: int) -> tuple[float, float]:
    users = np.linspace(0, n_users - 1, min(SCALED_USERS, n_users)).astype(int)
    y, x = warm.scores(users)[:, warm.head].ravel(), mixed.scores(users, mixed.part(warm.head)).ravel()
    spread = float(x.var())
    slope = max(float(np.mean((x - x.mean()) * (y - y.mean()))) / spread, 0.0) if spread else 0.0
    return float(y.mean()) - slope * float(x.mean()), slope


HYBRID = Algorithm(
    "hybrid",
    HybridConfig,
    fit,
    load,
    # not the content side: it speaks for items nobody has bought, which the protocol does not rank
    search=collaborative.SEARCH,
    random=True,
    needs=frozenset({"catalogue"}),
)
