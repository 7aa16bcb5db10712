"""Rankings and what they are worth, per user."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.recommendation.splits import Split

NDCG_AT = 10
RECALL_AT = 20
BLOCK = 256
"""Users scored at a time: memory is BLOCK × items floats."""

Scorer = Callable[[np.ndarray], np.ndarray]
"""User positions, shape (n,), to scores of all items, shape (n, n_items); higher is better."""


@dataclass(frozen=True)
class Judged:
    """Scores of each test user, aligned with `Split.users`, and the rankings they come from (−1: no item left)."""

    ndcg: np.ndarray
    recall: np.ndarray
    top: np.ndarray
    coverage: float


def top(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k best of each row, best first, equal scores by position; −1 where −inf or no column is left.

    >>> top(np.array([[1.0, 3.0, 3.0, -np.inf]]), 4)
    array([[ 1,  2,  0, -1]])
    """
    k_in = min(k, scores.shape[1])
    best = np.full((len(scores), k), -1)
    if not k_in:
        return best
    bar = -np.partition(-scores, k_in - 1, axis=1)[:, k_in - 1]
    row, item = np.nonzero((scores >= bar[:, None]) & (scores > -np.inf))
    order = np.lexsort((item, -scores[row, item], row))
    row, item = row[order], item[order]
    n = np.bincount(row, minlength=len(scores))
    place = np.arange(len(row)) - (np.cumsum(n) - n)[row]
    first = place < k
    best[row[first], place[first]] = item[first]
    return best


def judge(scorer: Scorer, split: Split) -> Judged:
    """NDCG@10 and Recall@20 of a scorer under a split, per test user."""
    allowed = split.candidates
    blocks = [split.users[i : i + BLOCK] for i in range(0, len(split.users), BLOCK)]
    ranked = np.concatenate([top(masked(scorer(users), users, split, allowed), RECALL_AT) for users in blocks])
    hits = _hits(ranked, split)
    sizes = split.n_relevant
    shown = np.unique(ranked[:, :NDCG_AT][ranked[:, :NDCG_AT] >= 0])
    return Judged(_ndcg(hits, sizes), _recall(hits, sizes), ranked, len(shown) / max(int(allowed.sum()), 1))


def narrowed(split: Split) -> Split:
    """The split over its candidates alone."""
    asked = np.flatnonzero(split.candidates)
    return replace(
        split,
        relevant=split.relevant[:, asked].tocsr(),
        owned=split.owned[:, asked].tocsr(),
        candidates=np.ones(len(asked), bool),
        sizes=split.n_relevant,
    )


def mean_ndcg(scores: np.ndarray, split: Split) -> float:
    """Mean NDCG@10 of scores of the users of a split, shape (n_users, n_items)."""
    return float(judge(lambda users: scores[np.searchsorted(split.users, users)], split).ndcg.mean())


def masked(scores: np.ndarray, users: np.ndarray, split: Split, allowed: np.ndarray) -> np.ndarray:
    """Scores with −inf for what may not be ranked: no candidate, or owned."""
    scores = np.array(scores, dtype=np.float32)
    scores[:, ~allowed] = -np.inf
    owned = split.owned[users].tocoo()
    scores[owned.row, owned.col] = -np.inf
    return scores


def _hits(ranked: np.ndarray, split: Split) -> np.ndarray:
    relevant, width = split.relevant, split.relevant.shape[1]
    rows = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    pairs = rows * width + relevant.indices
    asked = split.users.astype(np.int64)[:, None] * width + ranked
    return np.isin(asked, pairs) & (ranked >= 0)


def _ndcg(hits: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    discount = 1 / np.log2(np.arange(2, NDCG_AT + 2))
    ideal = np.r_[0.0, np.cumsum(discount)][np.minimum(sizes, NDCG_AT)]
    return hits[:, :NDCG_AT] @ discount / ideal


def _recall(hits: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return hits.sum(axis=1) / np.minimum(sizes, RECALL_AT)
