"""Collaborative filtering on implicit feedback, sparse from end to end, that knows when to follow the crowd."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, NonNegativeFloat, PositiveFloat, PositiveInt

from models.evaluation import paired_bootstrap
from models.recommendation.ease import ItemSide, Linear, UserSide, restore
from models.recommendation.events import Events, last_of_each_pair, positives
from models.recommendation.files import pack, unpack
from models.recommendation.metrics import judge
from models.recommendation.popularity import buyers
from models.recommendation.splits import FEWEST_ROWS, Split, make

log = logging.getLogger(__name__)

REGS = (100.0, 300.0, 1000.0, 3000.0)


class CollaborativeConfig(BaseModel, frozen=True, extra="forbid"):
    """Hyperparameters of collaborative filtering; None is chosen on a further split of the training part."""

    reg: PositiveFloat | None = None
    """L2 strength of the item weights, in interactions."""
    personal: bool | None = None
    """Whether to trust the histories at all; False ranks by popularity."""
    hint_weight: NonNegativeFloat = 1.0
    """Scale of views and carts against purchases in a history."""
    largest_side: PositiveInt = 8192
    """Rows of the largest dense square matrix: bounds memory at 12 bytes × its square."""
    neighbours: PositiveInt = 300
    """Weights kept per item where the model is over items."""
    validation_users: PositiveInt = 2000
    """Users asked when choosing hyperparameters."""
    validation_items: PositiveInt = 4000
    """Items ranked when choosing hyperparameters, most bought first."""
    seed: int = 0


@dataclass(frozen=True)
class Collaborative:
    """A fitted collaborative model: `chosen` says what validation decided."""

    linear: Linear | None
    popular: np.ndarray
    chosen: dict[str, Any]

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user position, shape (n_users, n_items)."""
        if self.linear is None:
            return np.tile(self.popular, (len(users), 1))
        return self.linear.scores(users)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that has to be saved, histories included: hints make them differ from what was bought."""
        if self.linear is None:
            return {"popular": self.popular}
        return {"popular": self.popular, **pack("history", self.linear.history), **self.linear.arrays()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], chosen: dict[str, Any]) -> "Collaborative":
        """The model that `arrays` came from."""
        linear = restore(unpack("history", arrays), arrays) if "history_indptr" in arrays else None
        return cls(linear, arrays["popular"], chosen)


def fit(events: Events, config: CollaborativeConfig) -> Collaborative:
    """Fit on events, choosing what the config leaves open on a further split of them."""
    reg, personal = choose(events, config) if config.reg is None or config.personal is None else (None, None)
    reg = config.reg if config.reg is not None else reg
    personal = config.personal if config.personal is not None else personal
    linear = fit_linear(histories(events, config), reg, config) if personal and reg else None
    return Collaborative(linear, buyers(events), {"reg": reg, "personal": bool(personal)})


def histories(events: Events, config: CollaborativeConfig) -> sp.csr_matrix:
    """User × item matrix of confidence: 1 where bought, the weight of the strongest hint where only hinted at."""
    pairs = last_of_each_pair(events)
    weight = np.where(pairs.positive, 1.0, pairs.weight * config.hint_weight)
    matrix = pairs.matrix(weight)
    matrix.data = np.minimum(matrix.data, 1.0)
    matrix.eliminate_zeros()
    return matrix


def fit_linear(history: sp.csr_matrix, reg: float, config: CollaborativeConfig) -> Linear:
    """EASE over whichever side is smaller, or over the most bought items where neither side fits."""
    n_users, n_items = history.shape
    if n_users <= config.largest_side and n_users < n_items:
        return UserSide.fit(history, reg)
    bought = np.asarray(history.sum(axis=0)).ravel()
    head = np.sort(np.argsort(-bought, kind="stable")[: config.largest_side])
    return ItemSide.fit(history, reg, head[bought[head] > 0], config.neighbours)


def choose(events: Events, config: CollaborativeConfig) -> tuple[float, bool]:
    """Regularisation with the best NDCG@10 on a further split, and whether it surely beats popularity there."""
    inner = validation_split(events, config)
    if inner is None:
        return REGS[-1], False
    popular = buyers(inner.train)
    history = histories(inner.train, config)
    crowd = judge(lambda users: np.tile(popular, (len(users), 1)), inner).ndcg
    tried = {reg: judge(fit_linear(history, reg, config).scores, inner).ndcg for reg in config_regs(config)}
    best = max(tried, key=lambda reg: tried[reg].mean())
    gain = paired_bootstrap(tried[best], crowd, seed=config.seed)
    log.info("validation NDCG@10: popularity %.4f, %s", crowd.mean(), {r: round(v.mean(), 4) for r, v in tried.items()})
    return best, gain.low > 0


def config_regs(config: CollaborativeConfig) -> tuple[float, ...]:
    """The regularisations to try."""
    return REGS if config.reg is None else (config.reg,)


def validation_split(events: Events, config: CollaborativeConfig) -> Split | None:
    """A further split of the training part by the protocol's rule, over some users and the head of the catalogue."""
    rows = last_of_each_pair(positives(events))
    if not len(rows) or np.bincount(rows.user).max() < FEWEST_ROWS:
        return None
    inner = make(events)
    users = inner.users
    if len(users) > config.validation_users:
        rng = np.random.default_rng(config.seed)
        users = np.sort(rng.choice(users, config.validation_users, replace=False))
    popular = buyers(inner.train)
    head = np.zeros(len(popular), bool)
    head[np.argsort(-popular, kind="stable")[: config.validation_items]] = True
    return Split(inner.train, inner.relevant, inner.owned, inner.candidates & head, users, inner.mode, inner.protocol)
