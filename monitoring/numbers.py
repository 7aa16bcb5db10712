"""The judgement of one column of numbers."""

import numpy as np
import pandas as pd

from monitoring import reasons
from monitoring.limits import Judge
from monitoring.result import ColumnDrift, Histogram, Score
from monitoring.scores import Profile, profile, psi, rank_shift, wasserstein
from monitoring.variation import Cells, number_cells

PICTURE_BARS = 24
"""Bars of the picture's histogram."""


def judge_numbers(reference: pd.Series, current: pd.Series, judge: Judge) -> ColumnDrift:
    """Score a column of numbers and put it beside its limits.

    Args:
        reference: The reference rows, numbers.
        current: The current rows; what is no number counts as missing.
        judge: The rules of this check.
    """
    before, now = _floats(reference), _floats(current)
    has, has_now = np.isfinite(before), np.isfinite(now)
    scores = {"missing": judge.missing(~has, ~has_now)}
    seen, seen_now = profile(before[has]), profile(now[has_now])
    if len(seen.rows) and len(seen_now.rows):
        cells = number_cells(before[has], seen, judge.weeks[has], judge.settings.bins)
        scores |= _distances(str(reference.name), cells, seen, seen_now, judge)
    found = reasons.numbers(str(reference.name), scores, seen, seen_now, missing_now=_share(~has_now))
    return ColumnDrift(str(reference.name), "number", scores, histogram(seen, seen_now), found)


def _distances(name: str, cells: Cells, seen: Profile, seen_now: Profile, judge: Judge) -> dict[str, Score]:
    distances = {
        "wasserstein": wasserstein(seen, seen_now),
        "psi": psi(seen, seen_now, judge.settings.bins),
        "rank_shift": rank_shift(seen, seen_now),
    }
    return judge.scores(name, cells, distances, int(seen_now.rows.sum()))


def _floats(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def histogram(seen: Profile, seen_now: Profile) -> Histogram:
    """Shares of both sides in equal steps between the 1 % and 99 % points of the two together.

    What lies beyond is counted in the outermost steps, so that a few outliers do not flatten the picture.
    """
    if not len(seen.values):
        return Histogram([], [], [])
    edges = _picture_edges(seen, seen_now)
    sides = [_shares(side, edges) for side in (seen, seen_now)]
    return Histogram([f"{edge:.3g}" for edge in edges[:-1]], *sides)


def _picture_edges(seen: Profile, seen_now: Profile) -> np.ndarray:
    points = [q for side in (seen, seen_now) if len(side.values) for q in _quantiles(side, (0.01, 0.99))]
    low, high = min(points), max(points)
    distinct = np.unique(np.concatenate([seen.values, seen_now.values]))
    inside = distinct[(distinct >= low) & (distinct <= high)]
    if len(inside) <= PICTURE_BARS:  # one bar a value
        return np.append(inside, inside[-1] + 1.0)
    return np.linspace(low, high, PICTURE_BARS + 1)


def _quantiles(side: Profile, shares: tuple[float, ...]) -> np.ndarray:
    up_to = np.cumsum(side.rows)
    return side.values[np.searchsorted(up_to, np.array(shares) * up_to[-1])]


def _shares(side: Profile, edges: np.ndarray) -> list[float]:
    if not len(side.values):
        return [0.0] * (len(edges) - 1)
    cell = np.clip(np.searchsorted(edges, side.values, side="right") - 1, 0, len(edges) - 2)
    rows = np.bincount(cell, weights=side.rows, minlength=len(edges) - 1)
    return (rows / rows.sum()).tolist()
