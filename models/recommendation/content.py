"""Content alone: what items are decides; it knows items that nobody has bought."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from pydantic import BaseModel, PositiveInt

from models.algorithm import Algorithm
from models.errors import HistoryTooShort
from models.recommendation.catalogue_features import features
from models.recommendation.events import Events
from models.recommendation.metrics import mean_ndcg, narrowed
from models.recommendation.popularity import Popular, buyers, most_bought
from models.recommendation.splits import Split, make
from models.recommendation.tastes import Mixed
from models.search import FloatRange

CONTENT_REGS = (1.0, 10.0, 100.0)
TASTE_SHARES = (0.0, 0.3, 1.0, 3.0, 10.0)
COLD_VALIDATION_RESIDUE = 1
"""The cold items of validation: another checksum residue than the protocol's."""


class ContentConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """Hyperparameters of tastes in item features; None is chosen on items withheld from train."""

    content_reg: float | None = None
    """L2 strength of tastes in item features."""
    taste: float | None = None
    """Weight of a user's own taste against the crowd's, for items nobody has bought."""
    validation_users: PositiveInt = 1000
    """Users asked about cold items when choosing."""
    validation_items: PositiveInt = 2500
    """Most items ranked when choosing hyperparameters, most bought first."""
    seed: int = 0
    """Which users are asked when choosing, and the resamples of the comparison with popularity."""


@dataclass(frozen=True)
class Content:
    """Tastes in item features as a ranker."""

    mixed: Mixed
    chosen: dict[str, Any]

    algorithm = "content"

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user, shape (n_users, n_items)."""
        return self.mixed.scores(users)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that has to be saved."""
        return self.mixed.arrays()


def fit(events: Events, items: pd.DataFrame | None, config: ContentConfig) -> Content | Popular:
    """Fit on events and the catalogue; without a catalogue it can only follow the crowd."""
    if items is None:
        return Popular(buyers(events))
    described = features(items, events, observed=True)
    reg, share = choose(events, described, config)
    head = most_bought(buyers(events), config.validation_items)
    chosen = {"personal": True, "content_reg": reg, "taste": share}
    return Content(Mixed.fit(events, described, head, reg, share), chosen)


def load(arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> Content:
    """The ranker that `arrays` and `chosen` came from."""
    return Content(Mixed.from_arrays(arrays), chosen)


def choose(events: Events, described: sp.csr_matrix, config: ContentConfig) -> tuple[float, float]:
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
        mixed = Mixed.fit(inner.train, described, head, reg, 0.0)
        part = mixed.part(asked)
        crowd, own = mixed.scores(inner.users, part), mixed.own(inner.users, part.rows)
        for share in shares:
            found[reg, share] = mean_ndcg(crowd + np.float32(share) * own, narrow)
    return max(found, key=lambda pair: found[pair])


def _cold_validation(events: Events, config: ContentConfig) -> Split | None:
    try:
        inner = make(events, {"name": "cold-items", "residue": COLD_VALIDATION_RESIDUE})
    except HistoryTooShort:  # the defaults stand
        return None
    users = inner.users
    if len(users) > config.validation_users:
        users = np.sort(np.random.default_rng(config.seed).choice(users, config.validation_users, replace=False))
    return replace(inner, users=users)


CONTENT = Algorithm(
    "content",
    ContentConfig,
    fit,
    load,
    search={"content_reg": FloatRange(0.1, 1000.0, log=True), "taste": FloatRange(0.03, 30.0, log=True)},
    random=True,
    needs=frozenset({"catalogue"}),
)
