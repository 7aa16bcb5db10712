"""Evidence that a version is worse, which may be looked at as often as one likes.

Evidence is money won by betting against the version: who starts with 1 and bets at odds that are fair while the version
is no worse owns X or more, ever, with a chance of at most 1/X (Ville 1939). So stopping at X = 100 takes a good version
back in at most one rollout of a hundred, whenever and however often somebody looks.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]

_POWERS, _STAKES = np.array([0.3, 0.8, 2.0]), np.array([0.05, 0.8, 0.15])
"""Most is bet a little below what is worth detecting, which wins sooner on an unlucky day; some on far worse, which a
crash is, and some on hardly worse, which only much traffic shows."""
BETS = len(_STAKES)
_MOST = 600.0
"""Logarithm at which money is cut off: more than a float holds is more than anybody needs."""


def odds_ratios(worth_detecting: float) -> Floats:
    """The odds ratios that are bet on, shape (n_bets,), for one that is worth detecting."""
    return np.asarray(worth_detecting**_POWERS)


def beside(bad: int, n: int, bad_other: int, n_other: int, ratios: Floats) -> Floats:
    """Logarithms of what each bet pays on one block of requests that two versions shared at the same time.

    Which request went to which version was drawn by lot. So, if the version makes no difference, its share of the bad
    ones is drawn by lot, too, however many there are, and however they cluster in time: hypergeometric. A bet on the
    odds ratio r pays r^bad over its mean; fair by construction, and less than fair where the version is better.

    Args:
        bad: Bad ones of the version's `n` requests.
        n: Its requests.
        bad_other: Bad ones of the other version.
        n_other: The other's requests.
        ratios: Odds ratios above 1, shape (n_bets,).

    Source: Fisher's exact test as a likelihood ratio; Mantel & Haenszel 1959 for blocks; Turner, Ly & Grünwald 2024,
    Generic E-variables for exact sequential k-sample tests that allow for optional stopping.

    >>> np.exp(beside(1, 5, 0, 5, np.array([3.0])))
    array([1.5])
    """
    drawn, logs = bad + bad_other, np.log(ratios)
    k = np.arange(max(0, drawn - n_other), min(n, drawn) + 1)
    ways = _choose(n, k) + _choose(n_other, drawn - k)
    return np.asarray(bad * logs - _log_sum(ways[:, None] + k[:, None] * logs) + _log_sum(ways))


def alone(bad: int, n: int, limit: float, ratios: Floats) -> Floats:
    """Logarithms of what each bet pays on `n` requests, fair where a share of `limit` of them is bad.

    Source: Wald 1945, the sequential probability ratio test of a binomial share.

    >>> np.exp(alone(1, 1, 0.5, np.array([3.0])))
    array([1.5])
    """
    return np.asarray(bad * np.log(ratios) - n * np.log1p(limit * (ratios - 1)))


def wealth(logs: Floats) -> Floats:
    """Money that came of 1 put on all bets together.

    Args:
        logs: Logarithms of what each bet paid, shape (..., n_bets).

    Returns:
        Shape (...).
    """
    return np.asarray(np.exp(np.minimum(logs, _MOST)) @ _STAKES)


def _log_sum(logs: Floats) -> Floats:
    top = logs.max(axis=0)
    return np.asarray(top + np.log(np.exp(logs - top).sum(axis=0)))


def _choose(n: int, k: NDArray[np.int64]) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
