"""Interactions as arrays: ids become positions, and positions sort as the ids do."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from models.errors import BadData
from models.recommendation.data import RecommenderData, milliseconds

PURCHASE = "purchase"
EVENT_WEIGHTS = {
    "purchase": 1.0,
    "order": 1.0,
    "rating": 1.0,
    "add_to_cart": 0.3,
    "cart": 0.3,
    "favourite": 0.3,
    "favorite": 0.3,
    "wishlist": 0.3,
    "click": 0.1,
    "view": 0.1,
    "remove_from_cart": 0.0,
}
"""How much an event says about liking, relative to a purchase; a type not named here counts as a view. The last hint of
a pair counts: what was put into the cart and taken out again says nothing."""

Ids = np.ndarray[Any, np.dtype[np.object_]]


@dataclass(frozen=True)
class Events:
    """Interactions of `users` with `items`, one array element a row.

    `user` and `item` are positions in `users` and `items`, which are sorted as text, so that ties that rank by id rank
    by position. `time` is in milliseconds since 1970 UTC. `positive` marks what counts as liking (purchases, ratings).
    `count` says how many rows a deduplicated row stands for. `rating` is in standard deviations from the mean, 0 where
    nothing was rated. `price` is what one unit cost, NaN where that is not known.
    """

    users: Ids
    items: Ids
    user: np.ndarray
    item: np.ndarray
    time: np.ndarray
    positive: np.ndarray
    weight: np.ndarray
    quantity: np.ndarray
    count: np.ndarray
    rating: np.ndarray
    price: np.ndarray

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: np.ndarray) -> "Events":
        """The rows that a mask or an index array names, over the same users and items."""
        names = [f.name for f in fields(self) if f.name not in {"users", "items"}]
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    @property
    def shape(self) -> tuple[int, int]:
        """Users and items."""
        return len(self.users), len(self.items)

    def matrix(self, values: np.ndarray | None = None) -> sp.csr_matrix:
        """User × item matrix of `values` (default: 1 per row), summed where a pair occurs twice."""
        data = np.ones(len(self), np.float32) if values is None else values.astype(np.float32)
        matrix = sp.csr_matrix((data, (self.user, self.item)), shape=self.shape)
        matrix.sort_indices()
        return matrix


def encode(data: RecommenderData, *, with_catalogue: bool = False) -> Events:
    """Events of a frame, in the frame's order; rows without user, item or time are left out.

    Raises:
        BadData: A column is missing or no row is left.
    """
    frame = data.interactions
    missing = [c for c in ("user_id", "item_id", "timestamp") if c not in frame.columns]
    if missing:
        raise BadData(f"column {missing[0]} is missing; the interactions have {', '.join(map(str, frame.columns))}")
    frame = frame.dropna(subset=["user_id", "item_id", "timestamp"])
    if frame.empty:
        raise BadData("no interaction has a user_id, an item_id and a timestamp; there is nothing to learn from")
    extra = data.items["item_id"].dropna() if with_catalogue and data.items is not None else None
    users, user = _positions(frame["user_id"])
    items, item = _positions(frame["item_id"], extra)
    price = _numbers(frame, "price", np.nan).astype(np.float32)
    times = milliseconds(frame["timestamp"])
    return Events(users, items, user, item, times, *_strength(frame), _ratings(frame), price)


def _numbers(frame: pd.DataFrame, column: str, missing: float) -> np.ndarray:
    if column not in frame.columns:
        return np.full(len(frame), missing)
    return frame[column].to_numpy(dtype=np.float64, na_value=missing)


def _ratings(frame: pd.DataFrame) -> np.ndarray:
    raw = _numbers(frame, "rating", np.nan)
    given = np.isfinite(raw)
    spread = raw[given].std() if given.any() else 0.0
    if not spread:
        return np.zeros(len(frame), np.float32)
    return np.where(given, (raw - raw[given].mean()) / spread, 0).astype(np.float32)


def _positions(ids: pd.Series, extra: pd.Series | None = None) -> tuple[Ids, np.ndarray]:
    codes, unique = pd.factorize(ids)
    names = [str(value) for value in unique]
    everything = names if extra is None else names + [str(value) for value in extra.unique()]
    ordered = np.array(sorted(set(everything)), dtype=object)
    where = {name: position for position, name in enumerate(ordered)}
    return ordered, np.array([where[name] for name in names], dtype=np.int32)[codes]


def _strength(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    n = len(frame)
    positive, weight = np.ones(n, bool), np.ones(n, np.float32)
    if "event_type" in frame.columns:
        codes, kinds = pd.factorize(frame["event_type"].fillna(PURCHASE))
        positive = np.array([kind == PURCHASE for kind in kinds])[codes]
        weights = [EVENT_WEIGHTS.get(str(kind), EVENT_WEIGHTS["view"]) for kind in kinds]
        weight = np.array(weights, np.float32)[codes]
    amounts = np.nan_to_num(np.maximum(_numbers(frame, "quantity", 1.0), 0), nan=1.0, posinf=1.0).astype(np.float32)
    return positive, weight, amounts, np.ones(n, np.float32)


def positives(events: Events) -> Events:
    """The rows that count as liking."""
    return events.take(events.positive)


def owned(events: Events) -> sp.csr_matrix:
    """User × item matrix with 1 where a user liked an item, however often."""
    matrix = positives(events).matrix()
    matrix.data[:] = 1
    return matrix


def last_of_each_pair(events: Events) -> Events:
    """One row per user and item, the last; `count` and `quantity` are summed over the rows it stands for.

    The result is ordered by user, then item.
    """
    if not len(events):
        return events
    order = np.lexsort((events.time, events.item, events.user))
    rows = events.take(order)
    last = np.r_[(np.diff(rows.user) != 0) | (np.diff(rows.item) != 0), True]
    starts = np.r_[0, np.flatnonzero(last)[:-1] + 1]
    return replace(
        rows.take(last),
        count=np.add.reduceat(rows.count, starts),
        quantity=np.add.reduceat(rows.quantity, starts),
    )


def joined(a: Events, b: Events) -> Events:
    """The rows of both, over the same users and items."""
    names = ("user", "item", "time", "positive", "weight", "quantity", "count", "rating", "price")
    return Events(a.users, a.items, *(np.concatenate([getattr(a, name), getattr(b, name)]) for name in names))


def pairs_with_hints(events: Events) -> Events:
    """One row per user and item: the last purchase, or the last weaker event where nothing was bought.

    Its rating is the last one given for the pair, be it in an event of its own.
    """
    bought = last_of_each_pair(positives(events))
    if events.positive.all():
        return _rated(bought, events)
    hints = last_of_each_pair(events.take(~events.positive))
    new = (hints.weight > 0) & ~np.isin(_pair(hints), _pair(bought))
    return _rated(joined(bought, hints.take(new)), events)


def _rated(pairs: Events, events: Events) -> Events:
    """The pairs, each with the last rating that any row of it gave."""
    given = last_of_each_pair(events.take(events.rating != 0))
    if not len(given):
        return pairs
    at = np.minimum(np.searchsorted(_pair(given), _pair(pairs)), len(given) - 1)
    return replace(pairs, rating=np.where(_pair(given)[at] == _pair(pairs), given.rating[at], 0).astype(np.float32))


def _pair(events: Events) -> np.ndarray:
    """One number per user and item, in the order of both."""
    return events.user.astype(np.int64) * events.shape[1] + events.item
