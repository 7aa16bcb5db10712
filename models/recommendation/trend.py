"""What people bought around the time a user was last here."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from models.recommendation.events import Events
from models.recommendation.profile import last_seen
from models.recommendation.splits import DAY_MS

WINDOWS_DAYS = (30, 365)
"""The kernels' widths: a season of fresh produce, and a year of taste."""
MOST_BINS = 500
BIN_DAYS = 7


@dataclass(frozen=True)
class Trend:
    """Buyers of each item per span of time, and when each user was last seen.

    The score of an item is the sum over all its buyers of exp(−|time between the two| / window).
    """

    bought: sp.csr_matrix
    middles_days: np.ndarray
    seen_days: np.ndarray

    @classmethod
    def fit(cls, pairs: Events) -> "Trend":
        """Fit on deduplicated events."""
        rows = pairs.take(pairs.positive)
        days = rows.time / DAY_MS
        first, last = (float(days.min()), float(days.max())) if len(rows) else (0.0, 0.0)
        n_bins = int(np.clip(np.ceil((last - first) / BIN_DAYS), 1, MOST_BINS))
        width = max((last - first) / n_bins, 1e-9)
        at = np.minimum((days - first) / width, n_bins - 1).astype(np.int64)
        ones = np.ones(len(rows), np.float32)
        bought = sp.csr_matrix((ones, (at, rows.item)), shape=(n_bins, pairs.shape[1]))
        middles = first + width * (np.arange(n_bins) + 0.5)
        return cls(bought, middles.astype(np.float32), (last_seen(pairs) / DAY_MS).astype(np.float32))

    def scores(self, users: np.ndarray, window_days: float) -> np.ndarray:
        """Scores of all items for each user, shape (n_users, n_items)."""
        near = np.exp(-np.abs(self.seen_days[users][:, None] - self.middles_days[None]) / window_days)
        return np.asarray((self.bought.T @ near.T.astype(np.float32)).T)

    def arrays(self) -> dict[str, np.ndarray]:
        """What has to be saved."""
        parts = {"data": self.bought.data, "indices": self.bought.indices, "indptr": self.bought.indptr}
        return {
            **{f"trend_{name}": values for name, values in parts.items()},
            "trend_middles": self.middles_days,
            "trend_seen": self.seen_days,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], n_items: int) -> "Trend":
        """The trend that `arrays` came from."""
        data, indices, indptr = (arrays[f"trend_{part}"] for part in ("data", "indices", "indptr"))
        bought = sp.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, n_items))
        return cls(bought, arrays["trend_middles"], arrays["trend_seen"])
