"""A user's taste in what items are, and the crowd's: scores for items that few or none have bought."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from models.recommendation.ease import regularised_inverse
from models.recommendation.events import Events, pairs_with_hints
from models.recommendation.files import pack, unpack
from models.recommendation.popularity import buyers
from models.recommendation.profile import PLAIN, weighted


@dataclass(frozen=True)
class Tastes:
    """Ridge regression of histories, and of popularity, on item features.

    With features F of the items that were bought and a user's weighted history w, the taste is
    θ_u = (FᵀF + reg·I)⁻¹·Fᵀw and an item's score F_j·θ_u; the crowd's is the same with the log of the buyers for w.
    """

    features: sp.csr_matrix
    inverse: np.ndarray
    weights: sp.csr_matrix
    crowd: np.ndarray

    @classmethod
    def fit(cls, events: Events, features_of: sp.csr_matrix, profile: dict[str, float], reg: float) -> "Tastes":
        """Fit on events, with features of shape (n_items, n_tokens)."""
        popular = buyers(events)
        warm = features_of[popular > 0]
        inverse = regularised_inverse((warm.T @ warm).toarray(), reg)
        centred = np.log1p(popular[popular > 0])
        theta = inverse @ (warm.T @ (centred - centred.mean()))
        weights = weighted(pairs_with_hints(events), profile)
        return cls(features_of, inverse, weights, np.asarray(features_of @ theta, dtype=np.float32))

    def theta(self, users: np.ndarray) -> np.ndarray:
        """Taste of each user in each feature, shape (n_users, n_tokens)."""
        return np.asarray((self.weights[users] @ self.features).toarray() @ self.inverse)

    def of_rows(self, theta: np.ndarray, rows: sp.csr_matrix) -> np.ndarray:
        """Scores by tastes of items with these feature rows, shape (n_users, n_rows)."""
        return np.asarray((rows @ theta.T).T, dtype=np.float32)


class Part(NamedTuple):
    """Some of the items: positions, and features of shape (n_items, n_tokens)."""

    items: np.ndarray
    rows: sp.csr_matrix


@dataclass(frozen=True)
class Mixed:
    """A user's taste and the crowd's over item features, in standard deviations over the head."""

    content: Tastes
    head: np.ndarray
    share: float

    @cached_property
    def head_rows(self) -> sp.csr_matrix:
        """Features of the head's items; cut out once, since cutting costs more than scoring a user."""
        return self.content.features[self.head]

    def scores(self, users: np.ndarray, part: Part | None = None) -> np.ndarray:
        """Scores of some items, all by default, for each user, shape (n_users, n_asked)."""
        asked = part or Part(np.arange(len(self.content.crowd)), self.content.features)
        crowd = self.content.crowd[asked.items] / (self.content.crowd[self.head].std() + 1e-9)
        return np.asarray(crowd + np.float32(self.share) * self.own(users, asked.rows), dtype=np.float32)

    def own(self, users: np.ndarray, rows: sp.csr_matrix) -> np.ndarray:
        """The users' own tastes alone, for items with these feature rows."""
        theta = self.content.theta(users)
        spread = self.content.of_rows(theta, self.head_rows).std(axis=1, keepdims=True)
        return self.content.of_rows(theta, rows) / (spread + 1e-9)

    def part(self, items: np.ndarray) -> Part:
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
    def fit(cls, events: Events, described: sp.csr_matrix, head: np.ndarray, reg: float, share: float) -> "Mixed":
        """Fit on events with settled hyperparameters."""
        return cls(Tastes.fit(events, described, dict(PLAIN), reg), head, share)

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Mixed":
        """The part that `arrays` came from."""
        content = Tastes(
            unpack("features", arrays), arrays["content_inverse"], unpack("tastes", arrays), arrays["crowd"]
        )
        return cls(content, arrays["content_head"], float(arrays["share"]))
