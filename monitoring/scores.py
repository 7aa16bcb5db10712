"""How far one column of a week lies from the reference: four effect sizes, each over all rows.

A p-value is no effect size: at a million rows a shift of 0.005 sigma has p = 0.001 and matters to nobody.
"""

from typing import NamedTuple

import numpy as np

PSEUDO_COUNT = 0.5
"""Added to each cell of the stability index, so that an empty cell gives a finite score."""


def psi_of_counts(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Population stability index of counted cells, along the last axis.

    `sum((c - r) * ln(c / r))` with r, c the shares of the cells, half a row added to each cell.

    Args:
        reference: Rows per cell, shape (..., n_cells).
        current: Rows per cell, shape (..., n_cells).

    Returns:
        Scores >= 0, shape (...). By custom below 0.1 is little, above 0.25 much.

    Source: Siddiqi, Credit Risk Scorecards (2006), ch. 10; the half row is Jeffreys' prior.

    >>> round(float(psi_of_counts(np.array([50, 50]), np.array([80, 20]))), 3)
    0.406
    """
    cells = reference.shape[-1]
    r = (reference + PSEUDO_COUNT) / (reference.sum(axis=-1, keepdims=True) + PSEUDO_COUNT * cells)
    c = (current + PSEUDO_COUNT) / (current.sum(axis=-1, keepdims=True) + PSEUDO_COUNT * cells)
    return ((c - r) * np.log(c / r)).sum(axis=-1)


class Profile(NamedTuple):
    """A column of numbers as its distinct values, ascending, and the rows of each; both of shape (n_distinct,)."""

    values: np.ndarray
    rows: np.ndarray


def profile(values: np.ndarray) -> Profile:
    """Distinct finite values and their rows; the sort that every distance below needs, done once."""
    return Profile(*np.unique(values, return_counts=True))


def quantile_edges(reference: Profile, bins: int) -> np.ndarray:
    """Inner edges of `bins` cells that hold about equal numbers of reference rows, ascending and distinct.

    A cell is (edge, next edge]. Where a value repeats so often that quantiles fall together there are fewer cells; a
    constant column has the two cells "up to" and "above".

    >>> quantile_edges(profile(np.array([1.0, 2.0, 3.0, 4.0])), 2)
    array([2.])
    """
    up_to = np.cumsum(reference.rows)
    wanted = np.arange(1, bins) / bins * up_to[-1]
    return np.unique(reference.values[np.searchsorted(up_to, wanted, side="left")])


def psi(reference: Profile, current: Profile, bins: int = 10) -> float:
    """Population stability index of numbers, in reference quantile bins.

    Args:
        reference: Profile of finite values, not empty.
        current: Profile of finite values, not empty.
        bins: Quantile bins of the reference.

    >>> psi(profile(np.arange(100.0)), profile(np.arange(100.0)))
    0.0
    """
    edges = quantile_edges(reference, bins)
    return float(psi_of_counts(rows_between(edges, reference), rows_between(edges, current)))


def rows_between(edges: np.ndarray, side: Profile) -> np.ndarray:
    """Rows in each cell (edge, next edge], shape (n_edges + 1,)."""
    cell = np.searchsorted(edges, side.values, side="left")
    return np.bincount(cell, weights=side.rows, minlength=len(edges) + 1)


def wasserstein(reference: Profile, current: Profile) -> float:
    """Area between the two distribution functions, in standard deviations of the reference.

    A column moved as a whole by k sigma scores k. A reference without spread is measured in units of 1.

    Args:
        reference: Profile of finite values, not empty.
        current: Profile of finite values, not empty.

    Source: Villani, Optimal Transport (2009), ch. 6; on the line W1 is the area between the distribution functions.

    >>> wasserstein(profile(np.array([0.0, 2.0])), profile(np.array([1.0, 3.0])))
    1.0
    """
    return _area(reference, current) / sigma(reference)


def sigma(reference: Profile) -> float:
    """Standard deviation of the rows behind a profile; 1 where they are all equal.

    >>> sigma(profile(np.array([0.0, 2.0])))
    1.0
    """
    mean = np.average(reference.values, weights=reference.rows)
    return float(np.sqrt(np.average((reference.values - mean) ** 2, weights=reference.rows))) or 1.0


RANK_SIGMAS = float(np.sqrt(12.0))
"""One over the standard deviation of ranks that run evenly from 0 to 1."""


def rank_shift(reference: Profile, current: Profile) -> float:
    """Wasserstein distance on the reference's own ranks: blind to the size of outliers, sees the many.

    Each value is replaced by the share of reference rows below it (ties count half); the distance is given in standard
    deviations of ranks that run evenly from 0 to 1.

    Args:
        reference: Profile of finite values, not empty.
        current: Profile of finite values, not empty.

    >>> round(rank_shift(profile(np.array([0.0, 1.0])), profile(np.array([1.0, 1.0]))), 3)
    0.866
    """
    ranks = Profile(mid_ranks(reference, reference.values), reference.rows)
    return _area(ranks, Profile(mid_ranks(reference, current.values), current.rows)) * RANK_SIGMAS


def mid_ranks(reference: Profile, values: np.ndarray) -> np.ndarray:
    """Share of reference rows below each of `values`, ties counting half, shape (n_values,)."""
    up_to = np.concatenate([[0], np.cumsum(reference.rows)])
    below = up_to[np.searchsorted(reference.values, values, side="left")]
    return (below + up_to[np.searchsorted(reference.values, values, side="right")]) / (2.0 * up_to[-1])


def _area(a: Profile, b: Profile) -> float:
    at = np.sort(np.concatenate([a.values, b.values]), kind="stable")
    return float(np.abs(_share_up_to(a, at[:-1]) - _share_up_to(b, at[:-1])) @ np.diff(at))


def _share_up_to(side: Profile, at: np.ndarray) -> np.ndarray:
    up_to = np.concatenate([[0.0], np.cumsum(side.rows)])
    return up_to[np.searchsorted(side.values, at, side="right")] / up_to[-1]


def missing_share(values: np.ndarray) -> float:
    """Share of values that are missing or not finite; 0 for no values.

    >>> missing_share(np.array([1.0, np.nan, np.inf, 2.0]))
    0.5
    """
    return float(np.mean(~np.isfinite(values))) if len(values) else 0.0
