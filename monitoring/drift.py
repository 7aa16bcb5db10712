"""Whether a week differs from the reference by more than weeks differ anyway.

The order of judgement is: how large is the change (an effect size over all rows, never a p-value), how large are such
changes between the weeks of the reference, and how often may a quiet week alarm, over all columns together. The limits
come from the reference alone; nothing is tuned to the week that is judged.
"""

import time
from typing import Literal

import numpy as np
import pandas as pd

from monitoring import reasons
from monitoring.categories import judge_categories
from monitoring.errors import EmptyReference, UnknownColumn
from monitoring.limits import Judge, rows_score
from monitoring.numbers import judge_numbers
from monitoring.result import ColumnDrift, DriftResult
from monitoring.settings import DriftSettings
from monitoring.weeks import time_column, week_numbers

MOST_CATEGORIES = 1000
"""A column of text with more distinct values than this is taken for an id unless it is asked for."""


def assess(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    settings: DriftSettings | None = None,
    columns: list[str] | None = None,
    *,
    days: float = 7.0,
) -> DriftResult:
    """Compare the current rows with the reference, column by column.

    A column of numbers alarms when its Wasserstein distance is beyond the limit, or when both its stability index and
    its rank shift are; a column of categories when its stability index is; either when values went missing or unknown
    categories came. The number of rows is judged too.

    Args:
        reference: What the model was trained on. A column of times (`settings.time_columns`) shows its weeks.
        current: The rows to judge, with the same columns.
        settings: Limits and floors; the environment's where None.
        columns: Columns to judge, in this order; None takes every number and every category that is no id.
        days: Length of the current period, for the number of rows that is to be expected.

    Returns:
        Scores, limits, verdict and reasons. Neither frame is changed.

    Raises:
        EmptyReference: `reference` has no rows.
        UnknownColumn: A column asked for is not in `reference`.
    """
    started = time.perf_counter()
    settings = settings or DriftSettings()
    if reference.empty:
        raise EmptyReference("the reference has no rows; choose an earlier start or ingest more data")
    chosen = _columns(reference, columns, settings)
    weeks = _weeks(reference, settings)
    kinds = {name: _kind(reference[name]) for name in chosen}
    judge = Judge(settings, weeks, tests=sum(2 if kind == "number" else 1 for kind in kinds.values()))
    found = tuple(_column(reference[name], _series(current, name), kinds[name], judge) for name in chosen)
    rows = rows_score(weeks, len(current), days, settings)
    return DriftResult(
        columns=found,
        rows=rows,
        rows_reason=reasons.rows(rows, len(current), days),
        n_reference=len(reference),
        n_current=len(current),
        n_weeks=int(weeks.max(initial=-1)) + 1,
        false_alarms_per_week=settings.false_alarms_per_week,
        seconds=time.perf_counter() - started,
    )


def _columns(reference: pd.DataFrame, columns: list[str] | None, settings: DriftSettings) -> list[str]:
    if columns is None:
        return [name for name in reference.columns if _worth_judging(reference[name], str(name), settings)]
    absent = [name for name in columns if name not in reference.columns]
    if absent:
        have = ", ".join(map(str, reference.columns))
        raise UnknownColumn(f"the reference has no column {', '.join(absent)}; it has {have}")
    return columns


def _worth_judging(column: pd.Series, name: str, settings: DriftSettings) -> bool:
    if name in settings.time_columns or name.endswith("_id") or pd.api.types.is_datetime64_any_dtype(column):
        return False
    return _kind(column) == "number" or column.nunique() <= MOST_CATEGORIES


def _kind(column: pd.Series) -> Literal["number", "category"]:
    return "number" if pd.api.types.is_numeric_dtype(column) else "category"


def _weeks(reference: pd.DataFrame, settings: DriftSettings) -> np.ndarray:
    name = time_column(reference, settings.time_columns)
    return np.full(len(reference), -1) if name is None else week_numbers(reference[name])


def _series(current: pd.DataFrame, name: str) -> pd.Series:
    if name in current.columns:
        return current[name]
    return pd.Series(np.nan, index=current.index, name=name)  # an absent column has all its values missing


def _column(reference: pd.Series, current: pd.Series, kind: str, judge: Judge) -> ColumnDrift:
    return (judge_numbers if kind == "number" else judge_categories)(reference, current, judge)
