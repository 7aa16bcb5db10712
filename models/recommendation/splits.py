"""Train and test parts under the family's fixed protocols."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
import scipy.sparse as sp

from models.errors import BadData, HistoryTooShort
from models.recommendation.events import Events, joined, last_of_each_pair, positives

DAY_MS = 86_400_000
BASKET_DAYS = 28
COLD_MODULUS = 10
TIME_QUANTILE = 0.8
FEWEST_ROWS = 5
"""A user with fewer rows is in train only."""


@dataclass(frozen=True)
class Split:
    """What is learned from, what is asked, and what may be answered.

    `relevant` is a user × item matrix of the test items, `owned` of the items not to rank for a user; `candidates` is a
    mask over items. `users` are the positions of the test users.
    """

    train: Events
    relevant: sp.csr_matrix
    owned: sp.csr_matrix
    candidates: np.ndarray
    users: np.ndarray
    mode: str = "discover"
    protocol: dict[str, Any] = field(default_factory=dict)
    sizes: np.ndarray | None = None

    @property
    def n_relevant(self) -> np.ndarray:
        """Relevant items per test user, also those that `relevant` no longer has a column for, shape (n_users,)."""
        return np.diff(self.relevant.indptr)[self.users] if self.sizes is None else self.sizes


def make(events: Events, protocol: dict[str, Any] | None = None) -> Split:
    """The split that a protocol asks for, `{"name": "user-holdout"}` by default.

    Raises:
        BadData: The protocol is not known.
        HistoryTooShort: No user is left to test on.
    """
    protocol = {"name": "user-holdout", **(protocol or {})}
    if protocol["name"] not in PROTOCOLS:
        raise BadData(f"protocol {protocol['name']!r} is not known; choose one of {', '.join(PROTOCOLS)}")
    split = PROTOCOLS[protocol["name"]](events, protocol)
    if not len(split.users):
        raise HistoryTooShort(f"no user can be tested by {protocol['name']}: the histories are too short")
    return split


def user_holdout(events: Events, protocol: dict[str, Any]) -> Split:
    """The last fifth of every user's items, in order of time, then id, is test."""
    rows = last_of_each_pair(positives(events))
    is_test = last_fifth(rows)
    return _split(_with_hints(events, rows, is_test), rows.take(is_test), rows.take(~is_test), protocol)


def last_fifth(rows: Events) -> np.ndarray:
    """Mask of the last ⌈n/5⌉ rows by time, then id, of each user with n ≥ 5, aligned with `rows`."""
    order = np.lexsort((rows.item, rows.time, rows.user))
    n = np.bincount(rows.user, minlength=rows.shape[0])
    place = np.arange(len(rows)) - (np.cumsum(n) - n)[rows.user[order]]
    kept = np.where(n >= FEWEST_ROWS, n - (n + 4) // 5, n)
    mask = np.empty(len(rows), bool)
    mask[order] = place >= kept[rows.user[order]]
    return mask


def _with_hints(events: Events, rows: Events, is_test: np.ndarray) -> Events:
    """Train rows, and the weaker events (views, carts) of each user from before that user's first test row."""
    train = rows.take(~is_test)
    return train if events.positive.all() else joined(train, events.take(_hints(events, rows.take(is_test))))


def _hints(events: Events, test: Events) -> np.ndarray:
    first_test = np.full(events.shape[0], np.iinfo(np.int64).max)
    np.minimum.at(first_test, test.user, test.time)
    return ~events.positive & (events.time < first_test[events.user])


def training_rows(events: Events) -> np.ndarray:
    """Mask of the events that the user-holdout trains on: no purchase of a tested pair, no hint from its time on."""
    rows = last_of_each_pair(positives(events))
    test = rows.take(last_fifth(rows))
    tested = np.isin(_pair(events), _pair(test))
    return np.where(events.positive, ~tested, _hints(events, test))


def _pair(events: Events) -> np.ndarray:
    return events.user.astype(np.int64) * events.shape[1] + events.item


def time_split(events: Events, protocol: dict[str, Any]) -> Split:
    """Rows from the 80 % quantile of the times on are test."""
    rows = last_of_each_pair(positives(events))
    cut = np.quantile(rows.time, TIME_QUANTILE)
    is_test = rows.time >= cut
    hints = events.take(~events.positive & (events.time < cut))
    return _split(joined(rows.take(~is_test), hints), rows.take(is_test), rows.take(~is_test), protocol)


def next_basket(events: Events, protocol: dict[str, Any]) -> Split:
    """Everything before T is train, the purchases of the 28 days from T on are test; what is owned may be bought again.

    T is 28 days before the end of the data unless the protocol gives `"T"` in milliseconds.
    """
    cut = int(protocol.get("T", events.time.max() + 1 - BASKET_DAYS * DAY_MS))
    train = events.take(events.time < cut)
    test = positives(events.take((events.time >= cut) & (events.time < cut + BASKET_DAYS * DAY_MS)))
    if not len(train):
        raise HistoryTooShort(f"the data span fewer than {BASKET_DAYS} days; next-basket needs more")
    return _split(train, test, None, {**protocol, "T": cut}, mode="again")


def cold_items(events: Events, protocol: dict[str, Any]) -> Split:
    """One item in ten, by the checksum of its id, loses its train rows; those items are ranked among themselves."""
    held = user_holdout(events, protocol)
    residue = int(protocol.get("residue", 0))
    cold = np.array([crc32(str(item).encode()) % COLD_MODULUS == residue for item in events.items])
    sold = np.zeros(len(cold), bool)
    sold[events.item] = True
    relevant = held.relevant.multiply(cold.astype(np.float32)).tocsr()
    relevant.eliminate_zeros()
    train = held.train.take(~cold[held.train.item])
    users = np.flatnonzero(np.diff(relevant.indptr))
    return Split(train, relevant, sp.csr_matrix(events.shape, dtype=np.float32), cold & sold, users, protocol=protocol)


PROTOCOLS: dict[str, Callable[[Events, dict[str, Any]], Split]] = {
    "user-holdout": user_holdout,
    "time-split": time_split,
    "next-basket": next_basket,
    "cold-items": cold_items,
}


def _split(
    train: Events, test: Events, owned: Events | None, protocol: dict[str, Any], mode: str = "discover"
) -> Split:
    relevant = test.matrix()
    relevant.data[:] = 1
    kept = sp.csr_matrix(train.shape, dtype=np.float32) if owned is None else owned.matrix()
    candidates = np.zeros(train.shape[1], bool)
    candidates[train.item[train.positive]] = True
    return Split(train, relevant, kept, candidates, np.unique(test.user), mode, protocol)
