"""Choosing the collaborative model's hyperparameters on a further split of the training part, never on test."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from pydantic import BaseModel

from models.bootstrap import paired_bootstrap
from models.recommendation.events import Events, pairs_with_hints, positives
from models.recommendation.linear import Asked, over_users, probe
from models.recommendation.metrics import NDCG_AT, judge, mean_ndcg, narrowed
from models.recommendation.popularity import Popular, buyers, most_bought
from models.recommendation.profile import KERNELS, PLAIN, taste, weighted
from models.recommendation.scaling import in_deviations
from models.recommendation.splits import FEWEST_ROWS, Split, make
from models.recommendation.trend import WINDOWS_DAYS, Trend

log = logging.getLogger(__name__)

REG_MULTIPLES = (3.0, 30.0)
"""Regularisations tried, in mean history lengths."""
KERNEL_SHARES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
TREND_SHARES = (0.0, 0.03, 0.1, 0.2, 0.4, 1.0, 3.0)
WINDOWS = (*(str(days) for days in WINDOWS_DAYS), "inf")
KEPT = 256
"""Items kept per user while weights are tried: those that any part ranks high."""
PASSES = 3
LEAST_GAIN = 1e-5
LEAST_PERSONAL_GAIN = 0.1
"""Share of popularity's NDCG@10 that personalisation must add on validation, beyond doubt, to be trusted.

Validation flatters it: the last purchases of each user, which are test, hold the staples that everybody buys again and
again, so popularity is worth less inside train than it will be on test.
"""


class Choice(BaseModel, frozen=True):
    """What a fit goes by, chosen or given."""

    reg: float
    profile: dict[str, float]
    trends: dict[str, float]
    personal: bool


class Settings(Protocol):
    """What choosing has to know of an algorithm's hyperparameters; None leaves one open."""

    @property
    def reg(self) -> float | None:
        """L2 strength of the item weights."""

    @property
    def largest_side(self) -> int:
        """Rows of the largest dense square matrix."""

    @property
    def neighbours(self) -> int:
        """Weights kept per item where the model is over items."""

    @property
    def validation_cells(self) -> int:
        """Users × items asked."""

    @property
    def validation_items(self) -> int:
        """Most items ranked."""

    @property
    def seed(self) -> int:
        """Which users are asked, and the resamples of the comparison with popularity."""


def choose(events: Events, config: Settings) -> Choice:
    """The regularisation, profile and trends with the best NDCG@10 on a further split.

    `personal` says whether they surely beat popularity there, and by enough; else the model follows the crowd.
    """
    inner = validation_split(events, config)
    if inner is None:
        return Choice(reg=1.0, profile=dict(PLAIN), trends={}, personal=False)
    reg, asked = _best_reg(inner, config)
    board = Board.of(inner, asked)
    shares = ascend(board.ndcg, _start(board))
    crowd = judge(Popular(buyers(inner.train)).scores, inner).ndcg
    gain = paired_bootstrap(board.per_user(shares), crowd, seed=config.seed)
    log.info("validation NDCG@10 of %d users: popularity %.4f, gain %s", len(crowd), crowd.mean(), gain)
    profile = {k: share * board.scale[k] for k, share in shares.items() if k in board.scale and share}
    trends = {k: share for k, share in shares.items() if k in WINDOWS and share}
    personal = gain.low > 0 and gain.mid >= LEAST_PERSONAL_GAIN * float(crowd.mean())
    return Choice(reg=config.reg or reg, profile=profile, trends=trends, personal=personal)


def validation_split(events: Events, config: Settings) -> Split | None:
    """A further split of the training part by the protocol's rule, over some users and the head of the catalogue."""
    pairs = pairs_with_hints(positives(events))
    if not len(pairs) or np.bincount(pairs.user).max() < FEWEST_ROWS:
        return None
    inner = make(events)
    head = np.zeros(events.shape[1], bool)
    head[most_bought(buyers(inner.train), config.validation_items)] = True
    users, most = inner.users, max(config.validation_cells // max(int(head.sum()), 1), 1)
    if len(users) > most:
        users = np.sort(np.random.default_rng(config.seed).choice(users, most, replace=False))
    return replace(inner, users=users, candidates=inner.candidates & head)


def _best_reg(inner: Split, config: Settings) -> tuple[float, Asked]:
    pairs = pairs_with_hints(inner.train)
    history, among = taste(pairs), np.flatnonzero(inner.candidates)
    bought = np.asarray(history.sum(axis=0)).ravel()
    head = None if over_users(history.shape, config.largest_side) else most_bought(bought, config.largest_side)
    mean = history.sum() / max(int((np.diff(history.indptr) > 0).sum()), 1)
    regs = [config.reg] if config.reg else [float(mean * multiple) for multiple in REG_MULTIPLES]
    asked = {reg: probe(history, reg, among, head, config.neighbours) for reg in regs}
    plain = weighted(pairs, PLAIN)[inner.users]
    found = {reg: mean_ndcg(ask(plain), narrowed(inner)) for reg, ask in asked.items()}
    best = max(found, key=lambda reg: found[reg])
    return best, asked[best]


@dataclass(frozen=True)
class Board:
    """Every part's scores for the validation users, cut to the items that any part ranks high.

    `parts` has shape (n_parts, n_users, n_kept); kernels come first. `spread` holds the kernels' covariances over the
    items of the head, shape (n_users, n_kernels, n_kernels): their mixture is divided by its own deviation.
    """

    names: tuple[str, ...]
    scale: dict[str, float]
    parts: np.ndarray
    spread: np.ndarray
    hit: np.ndarray
    allowed: np.ndarray
    ideal: np.ndarray

    @classmethod
    def of(cls, inner: Split, asked: Asked) -> "Board":
        """The board of a split, for a linear model as a function of the weights."""
        among, pairs = np.flatnonzero(inner.candidates), pairs_with_hints(inner.train)
        raw = {name: asked(weighted(pairs, {name: 1.0})[inner.users]) for name in KERNELS}
        raw = {name: scores for name, scores in raw.items() if name == "one" or scores.std(axis=1).any()}
        plain = np.median(raw["one"].std(axis=1))
        scale = {name: float(plain / max(np.median(s.std(axis=1)), 1e-12)) for name, s in raw.items()}
        kernels = np.stack([scores * np.float32(scale[name]) for name, scores in raw.items()])
        trend = Trend.fit(pairs)
        windows = np.stack([in_deviations(trend.scores(inner.users, float(w))[:, among]) for w in WINDOWS])
        owned = inner.owned[inner.users][:, among].toarray() > 0
        keep = _promising(np.concatenate([kernels, windows]), owned)
        centred = (kernels - kernels.mean(axis=2, keepdims=True)).transpose(1, 0, 2)
        spread = centred @ centred.transpose(0, 2, 1) / len(among)
        cut = np.take_along_axis(np.concatenate([kernels, windows]), keep[None], axis=2)
        hit = np.take_along_axis(inner.relevant[inner.users][:, among].toarray() > 0, keep, axis=1)
        discount = np.r_[0.0, np.cumsum(1 / np.log2(np.arange(2, NDCG_AT + 2)))]
        ideal = discount[np.minimum(np.diff(inner.relevant.indptr)[inner.users], NDCG_AT)]
        allowed = ~np.take_along_axis(owned, keep, axis=1)
        return cls((*raw, *WINDOWS), scale, cut, spread, hit, allowed, ideal)

    def ndcg(self, shares: dict[str, float]) -> float:
        """Mean NDCG@10 of a mixture."""
        return float(self.per_user(shares).mean())

    def per_user(self, shares: dict[str, float]) -> np.ndarray:
        """NDCG@10 of each validation user, ties aside."""
        n = int(self.spread.shape[1])
        weight = np.array([shares.get(name, 0.0) for name in self.names], np.float32)
        variance = ((self.spread * weight[:n]).sum(axis=2) * weight[:n]).sum(axis=1)
        total = self._mixture(weight, range(n)) / np.sqrt(np.maximum(variance, 1e-12))[:, None]
        total += self._mixture(weight, range(n, len(weight)))
        total = np.where(self.allowed, total, -np.inf)
        best = np.argpartition(-total, min(NDCG_AT, total.shape[1] - 1), axis=1)[:, :NDCG_AT]
        order = np.argsort(-np.take_along_axis(total, best, axis=1), axis=1, kind="stable")
        hits = np.take_along_axis(self.hit & self.allowed, np.take_along_axis(best, order, axis=1), axis=1)
        return np.asarray(hits @ (1 / np.log2(np.arange(2, hits.shape[1] + 2))) / self.ideal)

    def _mixture(self, weight: np.ndarray, which: range) -> np.ndarray:
        """Weighted sum of parts; plain loops, as threads cost more than they bring at this size."""
        total = np.zeros(self.parts.shape[1:], np.float32)
        for at in which:
            if weight[at]:
                total += weight[at] * self.parts[at]
        return total


def _promising(parts: np.ndarray, owned: np.ndarray) -> np.ndarray:
    """Positions, in order, of the items that some part ranks highest, shape (n_users, n_kept)."""
    best: np.ndarray = np.full(parts[0].shape, -np.inf, np.float32)
    for part in parts:
        np.maximum(best, in_deviations(part - part.mean(axis=1, keepdims=True)), out=best)
    best[owned] = -np.inf
    kept = min(KEPT, best.shape[1])
    return np.sort(np.argpartition(-best, kept - 1, axis=1)[:, :kept], axis=1)


def _start(board: Board) -> dict[str, float]:
    return {name: float(name == "one") for name in board.names}


def ascend(value: Callable[[dict[str, float]], float], start: dict[str, float]) -> dict[str, float]:
    """Coordinate ascent: each share in turn takes the best of its grid, until a pass changes nothing."""
    shares, best = dict(start), value(start)
    for _ in range(PASSES):
        before = best
        for name in shares:
            for share in TREND_SHARES if name in WINDOWS else KERNEL_SHARES:
                found = value({**shares, name: share})
                if found > best + LEAST_GAIN:
                    shares, best = {**shares, name: share}, found
        if best == before:
            break
    return shares
