"""Collaborative and content recommendation on one scale: new items take part from their first day."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from pydantic import PositiveInt

from models.errors import HistoryTooShort
from models.recommendation import collaborative
from models.recommendation.collaborative import Collaborative
from models.recommendation.collaborative_config import Choice, CollaborativeConfig
from models.recommendation.content import Content, features
from models.recommendation.events import Events
from models.recommendation.files import pack, unpack
from models.recommendation.metrics import mean_ndcg, narrowed
from models.recommendation.popularity import buyers, most_bought
from models.recommendation.profile import PLAIN
from models.recommendation.splits import Split, make

CONTENT_REGS = (1.0, 10.0, 100.0)
TASTE_SHARES = (0.0, 0.3, 1.0, 3.0, 10.0)
COLD_VALIDATION_RESIDUE = 1
"""The cold items of validation: another checksum residue than the protocol's."""
SCALED_USERS = 200


class HybridConfig(CollaborativeConfig, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """Hyperparameters of the hybrid: those of collaborative filtering, and the content side's."""

    content_reg: float | None = None
    """L2 strength of tastes in item features."""
    taste: float | None = None
    """Weight of a user's own taste against the crowd's, for items nobody has bought."""
    validation_users: PositiveInt = 1000
    """Users asked about cold items when choosing."""


class Part(NamedTuple):
    """Some of the items: positions, and features of shape (n_items, n_tokens)."""

    items: np.ndarray
    rows: sp.csr_matrix


@dataclass(frozen=True)
class Mixed:
    """A user's taste and the crowd's over item features, in standard deviations over the head."""

    content: Content
    head: np.ndarray
    share: float

    @cached_property
    def head_rows(self) -> sp.csr_matrix:
        """Features of the head's items; cut out once, since cutting costs more than scoring a user."""
        return self.content.features[self.head]

    def scores(self, users: np.ndarray, part: "Part | None" = None) -> np.ndarray:
        """Scores of some items, all by default, for each user, shape (n_users, n_asked)."""
        asked = part or Part(np.arange(len(self.content.crowd)), self.content.features)
        crowd = self.content.crowd[asked.items] / (self.content.crowd[self.head].std() + 1e-9)
        return np.asarray(crowd + np.float32(self.share) * self.own(users, asked.rows), dtype=np.float32)

    def own(self, users: np.ndarray, rows: sp.csr_matrix) -> np.ndarray:
        """The users' own tastes alone, for items with these feature rows."""
        theta = self.content.theta(users)
        spread = self.content.of_rows(theta, self.head_rows).std(axis=1, keepdims=True)
        return self.content.of_rows(theta, rows) / (spread + 1e-9)

    def part(self, items: np.ndarray) -> "Part":
        """Some items with their features, to ask about again and again."""
        return Part(items, self.content.features[items])

    def arrays(self) -> dict[str, np.ndarray]:
        """All that has to be saved."""
        content = self.content
        return {
            **pack("features", content.features),
            **pack("tastes", content.weights),
            "content_inverse": content.inverse,
            "crowd": content.crowd,
            "content_head": self.head,
            "share": np.array(self.share),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Mixed":
        """The part that `arrays` came from."""
        content = Content(
            unpack("features", arrays), arrays["content_inverse"], unpack("tastes", arrays), arrays["crowd"]
        )
        return cls(content, arrays["content_head"], float(arrays["share"]))


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

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> "Hybrid":
        """The model that `arrays` and `chosen` came from."""
        settled = {name: chosen[name] for name in Choice.model_fields}
        low, slope = arrays["line"]
        return cls(Collaborative.from_arrays(arrays, settled), Mixed.from_arrays(arrays), (low, slope), chosen)


def fit(events: Events, items: pd.DataFrame, config: HybridConfig) -> Hybrid:
    """Fit both sides, choosing the content side's weights on items whose rows are withheld from train."""
    described = features(items, events)
    warm = collaborative.fit(events, config)
    reg, share = choose_content(events, described, config)
    mixed = fit_content(events, described, warm.head, reg, share)
    chosen = {**warm.chosen, "content_reg": reg, "taste": share}
    return Hybrid(warm, mixed, _line(warm, mixed, events.shape[0]), chosen)


def fit_content(events: Events, described: sp.csr_matrix, head: np.ndarray, reg: float, share: float) -> Mixed:
    """The content side with settled hyperparameters."""
    return Mixed(Content.fit(events, described, dict(PLAIN), reg), head, share)


def _line(warm: Collaborative, mixed: Mixed, n_users: int) -> tuple[float, float]:
    users = np.linspace(0, n_users - 1, min(SCALED_USERS, n_users)).astype(int)
    y, x = warm.scores(users)[:, warm.head].ravel(), mixed.scores(users, mixed.part(warm.head)).ravel()
    spread = float(x.var())
    slope = max(float(np.mean((x - x.mean()) * (y - y.mean()))) / spread, 0.0) if spread else 0.0
    return float(y.mean()) - slope * float(x.mean()), slope


def choose_content(events: Events, described: sp.csr_matrix, config: HybridConfig) -> tuple[float, float]:
    """Strength and share with the best NDCG@10 on cold items of a further split, or those the config gives."""
    regs = CONTENT_REGS if config.content_reg is None else (config.content_reg,)
    shares = TASTE_SHARES if config.taste is None else (config.taste,)
    if len(regs) * len(shares) == 1:
        return regs[0], shares[0]
    inner = _cold_validation(events, config)
    if inner is None:
        return regs[len(regs) // 2], shares[0]
    asked, narrow = np.flatnonzero(inner.candidates), narrowed(inner)
    head = most_bought(buyers(inner.train), config.validation_items)
    found: dict[tuple[float, float], float] = {}
    for reg in regs:
        mixed = fit_content(inner.train, described, head, reg, 0.0)
        part = mixed.part(asked)
        crowd, own = mixed.scores(inner.users, part), mixed.own(inner.users, part.rows)
        for share in shares:
            found[reg, share] = mean_ndcg(crowd + np.float32(share) * own, narrow)
    return max(found, key=lambda pair: found[pair])


def _cold_validation(events: Events, config: HybridConfig) -> Split | None:
    try:
        inner = make(events, {"name": "cold-items", "residue": COLD_VALIDATION_RESIDUE})
    except HistoryTooShort:  # the defaults stand
        return None
    users = inner.users
    if len(users) > config.validation_users:
        users = np.sort(np.random.default_rng(config.seed).choice(users, config.validation_users, replace=False))
    return replace(inner, users=users)
