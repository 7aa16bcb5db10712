"""What a household buys again and when it is due."""

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from models.recommendation.events import Events
from models.recommendation.popularity import recent_buyers
from models.recommendation.splits import BASKET_DAYS, DAY_MS

HALF_LIVES_DAYS = (14.0, 45.0, 120.0)
FEWEST_LABELS = 50
"""Fewer repeat purchases than this in the last basket teach nothing."""
MOST_LESSONS = 1_000_000
"""Pairs the regression is taught by; of more, evenly spaced ones."""
STEPS = 15
REG = 1.0


@dataclass(frozen=True)
class Pairs:
    """Every (user, item) that was bought, with what is known at a moment: one array element a pair."""

    user: np.ndarray
    item: np.ndarray
    count: np.ndarray
    interval_days: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class Again:
    """Chance, in a model's opinion, that a user buys a thing again within the next 28 days.

    A logistic regression over what is known of a pair at a moment (how often, how lately at three half-lives, how long
    since the last time against the usual interval, how repeatable the thing is), taught by the last 28 days of the
    events. With too little to learn from, purchases decayed by recency order the things. What a user never bought
    follows what it did, by popularity.
    """

    habit: sp.csr_matrix
    popular: np.ndarray
    interval_days: sp.csr_matrix = field(default_factory=lambda: sp.csr_matrix((0, 0), dtype=np.float32))

    @classmethod
    def fit(cls, events: Events, popular: np.ndarray) -> "Again":
        """Fit on every purchase, repeats included."""
        bought = events.take(events.positive)
        now = int(bought.time.max()) + 1 if len(bought) else 0
        lesson = _taught(bought, now)
        pairs = pairs_at(bought, now)
        chance = _chance(pairs.features, lesson)
        where = (pairs.user, pairs.item)
        shape = events.shape
        repeated = np.where(pairs.count > 1, pairs.interval_days, 0)
        return cls(
            sp.csr_matrix((chance.astype(np.float32), where), shape=shape),
            popular,
            sp.csr_matrix((repeated.astype(np.float32), where), shape=shape),
        )

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of all items for each user, shape (n_users, n_items); above 0 where the user bought the item."""
        scores = self.habit[users].toarray()
        filler = self.popular / (self.popular.max(initial=0) + 1) - 1
        return np.where(scores > 0, scores, filler[None, :])


def pairs_at(bought: Events, now: int) -> Pairs:
    """What is known of each pair at `now`, in milliseconds, from purchases before it."""
    rows = bought.take(np.flatnonzero(bought.time < now))
    rows = rows.take(np.lexsort((rows.time, rows.item, rows.user)))
    if not len(rows):
        empty = np.zeros(0)
        return Pairs(empty.astype(int), empty.astype(int), empty, empty, np.zeros((0, 1)))
    starts = np.flatnonzero(np.r_[True, (np.diff(rows.user) != 0) | (np.diff(rows.item) != 0)])
    ends = np.r_[starts[1:], len(rows)] - 1
    age = (now - rows.time) / DAY_MS
    count = np.add.reduceat(rows.count.astype(float), starts)
    span, since, item = age[starts] - age[ends], age[ends], rows.item[ends]
    interval, repeatable = _usual(item, count, span, bought.shape[1])
    decayed = [np.add.reduceat(rows.count * 0.5 ** (age / half), starts) for half in HALF_LIVES_DAYS]
    lately = np.log1p(recent_buyers(rows)[item])
    due = np.log((since + 1) / (interval + 1))
    parts = [np.log(count), *(np.log(d + 1e-4) for d in decayed), np.log1p(since), due, due**2, repeatable, lately]
    return Pairs(rows.user[ends], item, count, interval, np.column_stack([part.astype(np.float32) for part in parts]))


def _usual(item: np.ndarray, count: np.ndarray, span: np.ndarray, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Usual interval of each pair in days, drawn towards the item's, and the log odds that the item is bought again."""
    repeats = np.bincount(item, count - 1, minlength=n_items)
    buyers = np.bincount(item, minlength=n_items)
    overall = span.sum() / max((count - 1).sum(), 1)
    of_item = (np.bincount(item, span, minlength=n_items) + overall) / (repeats + 1)
    interval = (span + of_item[item]) / count
    rate = (repeats.sum() + 1) / (count.sum() + 2)
    repeatable = np.log((repeats + 5 * rate) / (buyers + 5 * (1 - rate)))
    return interval, repeatable[item]


def _taught(bought: Events, now: int) -> np.ndarray | None:
    """Weights of the standardised features and their mean and deviation, shape (3, n_features + 1); None: no lesson."""
    cut = now - BASKET_DAYS * DAY_MS
    before = pairs_at(bought, cut)
    if not len(before.user):
        return None
    some = slice(None, None, -(-len(before.user) // MOST_LESSONS))
    width, features = bought.shape[1], before.features[some].astype(float)
    later = bought.take(bought.time >= cut)
    asked = before.user[some].astype(np.int64) * width + before.item[some]
    label = np.isin(asked, later.user.astype(np.int64) * width + later.item)
    if label.sum() < FEWEST_LABELS:
        return None
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    weights = logistic((features - mean) / spread, label.astype(float))
    return np.stack([weights, np.r_[mean, 0], np.r_[spread, 1]])


def logistic(features: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Weights of a ridge logistic regression by Newton's method, the intercept last, shape (n_features + 1,).

    Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning (2009), s. 4.4.1.
    """
    x = np.column_stack([features, np.ones(len(features))])
    weights = np.zeros(x.shape[1])
    ridge = np.full(x.shape[1], REG)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (label - p) - ridge * weights
        weights = weights + np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge), gradient)
    return np.asarray(weights)


def _chance(features: np.ndarray, taught: np.ndarray | None) -> np.ndarray:
    """A number above 0 per pair, higher where the next purchase is likelier."""
    if taught is None or not len(features):
        return np.exp(features[:, 1]) if features.shape[1] > 1 else np.zeros(len(features))
    weights, mean, spread = taught
    logit = (features - mean[:-1]) / spread[:-1] @ weights[:-1] + weights[-1]
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
