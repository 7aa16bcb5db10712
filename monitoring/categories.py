"""The judgement of one column of categories."""

import numpy as np
import pandas as pd

from monitoring import reasons
from monitoring.limits import Judge
from monitoring.result import ColumnDrift, Histogram, Score
from monitoring.scores import psi_of_counts
from monitoring.variation import category_cells

PICTURE_BARS = 12
"""Bars of the picture's histogram; the rest counts as "other"."""


def judge_categories(reference: pd.Series, current: pd.Series, judge: Judge) -> ColumnDrift:
    """Score a column of categories and put it beside its limits.

    The most frequent reference categories have a cell each and the rest share one. Rows in categories that the
    reference never had are judged by their share, and are left out of the mix.

    Args:
        reference: The reference rows, text or pandas categories.
        current: The current rows.
        judge: The rules of this check.
    """
    name = str(reference.name)
    codes, names = pd.factorize(reference)
    codes_now, unknown = _codes(current, names)
    has_now = codes_now != -1
    scores = {"missing": judge.missing(codes == -1, ~has_now)}
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    counts_now = np.bincount(codes_now[codes_now >= 0], minlength=len(names))
    if counts.sum() and has_now.any():
        scores |= _scores(name, codes, codes_now, counts, judge)
    missing_now = float((~has_now).mean()) if len(codes_now) else 0.0
    table = pd.DataFrame({"reference": counts, "current": counts_now}, index=[str(n) for n in names])
    found = reasons.categories(name, scores, table, unknown, missing_now)
    return ColumnDrift(name, "category", scores, _histogram(table, int((codes_now == UNKNOWN).sum())), found)


UNKNOWN = -2
"""Code of a category that the reference never had; -1 is a missing value, as pandas has it."""


def _codes(current: pd.Series, names: pd.Index) -> tuple[np.ndarray, list[str]]:
    local, local_names = pd.factorize(current)
    known = pd.Index(names).get_indexer(pd.Index(local_names))
    unknown = [str(name) for name, code in zip(local_names, known, strict=True) if code < 0]
    table = np.append(np.where(known < 0, UNKNOWN, known), -1)  # the last entry is where pandas' -1 lands
    return table[local], unknown


def _scores(name: str, codes: np.ndarray, codes_now: np.ndarray, counts: np.ndarray, judge: Judge) -> dict[str, Score]:
    cell_of, n_cells = _cells(counts, judge.settings.categories)
    has = codes >= 0
    cells = category_cells(cell_of[codes[has]], n_cells, judge.weeks[has])
    known = codes_now[codes_now >= 0]
    n_current = int((codes_now != -1).sum())
    unseen = judge.unseen(codes, 1.0 - len(known) / n_current, n_current)
    if not len(known):
        return {"unseen": unseen}
    rows = np.bincount(cell_of[known], minlength=n_cells)
    mix = judge.scores(name, cells, {"psi": float(psi_of_counts(cells.total, rows))}, len(known))
    return mix | {"unseen": unseen}


def _cells(counts: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    ranked = np.argsort(-counts, kind="stable")
    cell_of = np.full(len(counts), most)
    cell_of[ranked[:most]] = np.arange(min(most, len(counts)))
    return cell_of, min(most + 1, len(counts))


def _histogram(table: pd.DataFrame, unknown_rows: int) -> Histogram:
    ranked = (table / table.sum().clip(lower=1)).max(axis=1).sort_values(ascending=False, kind="stable").index
    shown, rest = table.loc[ranked[:PICTURE_BARS]], table.loc[ranked[PICTURE_BARS:]]
    labels = shown.index.tolist()
    before, now = shown["reference"].tolist(), shown["current"].tolist()
    if len(rest):
        labels, before, now = [*labels, "other"], [*before, rest["reference"].sum()], [*now, rest["current"].sum()]
    if unknown_rows:
        labels, before, now = [*labels, "new"], [*before, 0], [*now, unknown_rows]
    return Histogram(labels, _shares(before), _shares(now))


def _shares(rows: list[int]) -> list[float]:
    total = sum(rows)
    return [float(n / total) if total else 0.0 for n in rows]
