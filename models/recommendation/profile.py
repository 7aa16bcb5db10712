"""How much each row of a history says: a mixture of simple kernels over recency, repetition and rating."""

import numpy as np
import scipy.sparse as sp

from models.recommendation.events import Events
from models.recommendation.splits import DAY_MS

KERNELS = ("one", "rel2", "rel6", "rel16", "abs10", "abs100", "days14", "days90", "repeats", "quantity", "rating")
"""`one` counts every row the same; `relK` falls by e⁻ᴷ over the length of a history; `absK` falls by e every K rows;
`daysK` falls by e every K days before the user's last row; `repeats` is the log of how often a thing was bought;
`quantity` the log of how many units in all, at least 1; `rating` is the rating in standard deviations from the mean."""
PLAIN: dict[str, float] = {"one": 1.0}


def kernel(name: str, pairs: Events) -> np.ndarray:
    """Weight of each row of deduplicated events, shape (n_rows,)."""
    if name == "one":
        return np.ones(len(pairs))
    if name == "repeats":
        return np.log(pairs.count)
    if name == "quantity":
        return np.log(np.maximum(pairs.quantity, 1))
    if name == "rating":
        return pairs.rating.astype(float)
    scale = float(name.lstrip("absreldy"))
    if name.startswith("days"):
        return np.exp(-_age_ms(pairs) / (scale * DAY_MS))
    newer, length = _rows_since(pairs)
    return np.exp(-newer / scale) if name.startswith("abs") else np.exp(-scale * newer / length)


def weighted(pairs: Events, profile: dict[str, float]) -> sp.csr_matrix:
    """User × item matrix of the profile's weights, times the weight of the kind of event."""
    total = sum((share * kernel(name, pairs) for name, share in profile.items()), np.zeros(len(pairs)))
    return pairs.matrix(total * pairs.weight)


def taste(pairs: Events) -> sp.csr_matrix:
    """User × item matrix: 1 where bought, the weight of the event where only hinted at."""
    return pairs.matrix(np.minimum(pairs.weight, 1))


def last_seen(pairs: Events) -> np.ndarray:
    """Time of each user's last row in milliseconds, 0 for users without rows, shape (n_users,)."""
    last = np.zeros(pairs.shape[0], np.int64)
    np.maximum.at(last, pairs.user, pairs.time)
    return last


def _age_ms(pairs: Events) -> np.ndarray:
    return (last_seen(pairs)[pairs.user] - pairs.time).astype(float)


def _rows_since(pairs: Events) -> tuple[np.ndarray, np.ndarray]:
    """How many rows of the same user are newer, and how many the user has, per row."""
    order = np.lexsort((pairs.item, pairs.time, pairs.user))
    n = np.bincount(pairs.user, minlength=pairs.shape[0])
    place = np.empty(len(pairs))
    place[order] = np.arange(len(pairs)) - (np.cumsum(n) - n)[pairs.user[order]]
    length = n[pairs.user]
    return length - 1 - place, length.astype(float)
