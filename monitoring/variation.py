"""How much a column differs from week to week when nothing is wrong, and the limit that follows from it.

Each reference week is scored against all weeks before it, exactly as the current week is scored against the whole
reference. Weekly scores are skewed like products, not sums, so their logarithms are taken as normal, and the limit is
the upper prediction bound for one more week: it reaches beyond the largest week seen, as it must when an alarm is
wanted once in a hundred weeks and only fifty are known.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from monitoring.scores import RANK_SIGMAS, Profile, mid_ranks, psi_of_counts, quantile_edges, sigma

MOST_CELLS = 2048
"""Distinct values up to which a column of numbers is kept exactly for the weekly scores."""
LEAST_SCORE = 1e-6
"""Stands for a score of zero, whose logarithm there is none."""
DRAWS = 200
"""Random samples that show how far a small one strays by chance."""
SMALL_WEEK_SHARE = 0.1
"""A reference week with fewer rows than this share of a usual one is not scored."""


class Cells(NamedTuple):
    """A column cut into cells, in an order that means something where the column is a number."""

    weekly: np.ndarray
    """Rows per week and cell, shape (n_weeks, n_cells); rows outside whole weeks are left out."""
    total: np.ndarray
    """Rows per cell in the whole reference, shape (n_cells,)."""
    bins: np.ndarray
    """First cell of each bin of the stability index, ascending, shape (n_bins,)."""
    positions: np.ndarray | None
    """Mean value of each cell in reference sigmas; None for categories."""
    ranks: np.ndarray | None
    """Mid rank of each cell in rank sigmas; None for categories."""


class Limit(NamedTuple):
    """What a score may be in a quiet week, and what it usually is."""

    value: float
    usual: float
    weeks: int
    """Reference weeks behind it; 0 where the limit is a floor or sampling noise alone."""


def number_cells(values: np.ndarray, seen: Profile, weeks: np.ndarray, bins: int) -> Cells:
    """Cut finite numbers into cells: one per distinct value, or equal shares where there are very many.

    Args:
        values: Finite reference values, shape (n,).
        seen: Their profile.
        weeks: Week number of each value, -1 outside whole weeks, shape (n,).
        bins: Quantile bins for the stability index.
    """
    starts = _cell_starts(seen)
    codes = np.searchsorted(seen.values[starts], values, side="right") - 1
    rows = np.add.reduceat(seen.rows, starts)
    means = np.add.reduceat(seen.values * seen.rows, starts) / rows
    edges = quantile_edges(seen, bins)
    last_values = seen.values[np.append(starts[1:], len(seen.values)) - 1]
    bin_of_cell = np.searchsorted(edges, last_values, side="left")
    first_cells = np.unique(bin_of_cell, return_index=True)[1]
    ranks = mid_ranks(Profile(means, rows), means) * RANK_SIGMAS
    return Cells(_weekly(codes, weeks, len(starts)), rows, first_cells, means / sigma(seen), ranks)


def _cell_starts(seen: Profile) -> np.ndarray:
    if len(seen.values) <= MOST_CELLS:
        return np.arange(len(seen.values))
    below = np.cumsum(seen.rows) - seen.rows
    cell = below * MOST_CELLS // int(seen.rows.sum())
    return np.unique(cell, return_index=True)[1]


def category_cells(codes: np.ndarray, n_cells: int, weeks: np.ndarray) -> Cells:
    """Cells of a column of categories.

    Args:
        codes: Cell of each reference row, shape (n,).
        n_cells: Number of cells, empty ones included.
        weeks: Week number of each row, -1 outside whole weeks, shape (n,).
    """
    total = np.bincount(codes, minlength=n_cells)
    return Cells(_weekly(codes, weeks, n_cells), total, np.arange(n_cells), None, None)


def _weekly(codes: np.ndarray, weeks: np.ndarray, n_cells: int) -> np.ndarray:
    inside = weeks >= 0
    n_weeks = int(weeks.max(initial=-1)) + 1
    flat = weeks[inside] * n_cells + codes[inside]
    return np.bincount(flat, minlength=n_weeks * n_cells).reshape(n_weeks, n_cells)


def scores_of_counts(cells: Cells, reference: np.ndarray, current: np.ndarray) -> dict[str, np.ndarray]:
    """Every measure of `current` against `reference`, both rows per cell, shape (n_pairs, n_cells) or (n_cells,)."""
    binned = [np.add.reduceat(side, cells.bins, axis=-1) for side in (reference, current)]
    found = {"psi": psi_of_counts(*binned)}
    if cells.positions is not None and cells.ranks is not None:
        gap = np.abs(_up_to(reference) - _up_to(current))[..., :-1]
        found["wasserstein"] = gap @ np.diff(cells.positions)
        found["rank_shift"] = gap @ np.diff(cells.ranks)
    return found


def _up_to(rows: np.ndarray) -> np.ndarray:
    return np.cumsum(rows, axis=-1) / np.maximum(rows.sum(axis=-1, keepdims=True), 1)


def weekly_scores(cells: Cells, first_weeks: int) -> dict[str, np.ndarray]:
    """Score of each reference week against all weeks before it, from week `first_weeks` on, shape (n_scored,)."""
    n_rows = cells.weekly.sum(axis=1)
    scored = np.flatnonzero(n_rows > SMALL_WEEK_SHARE * np.median(n_rows)) if len(n_rows) else np.array([], int)
    scored = scored[scored >= first_weeks]
    before = np.cumsum(cells.weekly, axis=0)
    return scores_of_counts(cells, before[scored - 1], cells.weekly[scored])


def chance_scores(cells: Cells, n_rows: int, seed: int) -> dict[str, np.ndarray]:
    """Scores of random samples of `n_rows` reference rows: what chance alone does, shape (DRAWS,)."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_rows, cells.total / cells.total.sum(), size=DRAWS)
    return scores_of_counts(cells, np.broadcast_to(cells.total, drawn.shape), drawn)


def upper_bound(scores: np.ndarray, chance: float) -> float:
    """Score that one more week exceeds with probability `chance`, the logarithms of scores being normal.

    Args:
        scores: Scores of past weeks, shape (n_weeks,), at least two.
        chance: Probability between 0 and 1.

    Source: Hahn & Meeker, Statistical Intervals (1991), s. 4.6: prediction bound for one future observation.

    >>> round(upper_bound(np.exp([-1.0, 1.0] * 50), 0.02275), 1)
    7.7
    """
    logs = np.log(np.maximum(scores, LEAST_SCORE))
    reach = stats.t.ppf(1.0 - chance, len(logs) - 1) * np.sqrt(1.0 + 1.0 / len(logs))
    return float(np.exp(logs.mean() + reach * logs.std(ddof=1)))
