"""Demand: units a day of each series, with what is known to drive them; what the forecaster learns from."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features import checks
from features.broken_rows import Broken, ids
from features.checks import Marks
from features.dataset import Dataset
from features.drift_windows import Span, with_categories
from features.reading import Source
from features.row_rules import hold
from features.rows import DAY_MS, TIME, Converted, Rules, need, once, same, sound
from features.rules import Contract, Limits, Rule, at_least, between, distinct_at_least, filled, numeric
from features.settings import StorageSettings
from features.sql import query
from features.store import Store

EACH_DAY_ONCE = "has each day once per series"
_NAMED = ("known_promo_share", "known_price_usd")  # regressors with a column of their own


class Demand(Dataset):
    """Daily demand.

    A training set has series_id, ds (midnight UTC, without a zone), y (units), department where any series has one,
    then a column for each regressor that has a value anywhere. Days that were not over are left out, as are days
    without a value; a correction counts from when it was known.
    """

    order = ("series_id", "ds")
    required = ("series_id", "ds", "y")
    time = "ds"
    zone = None
    corrected_by = ("series_id", "ds")
    judged_where = "y IS NOT NULL"

    def convert(self, source: Source, rules: Rules) -> Converted:
        """Values of series by day, each day once, with what was known beside them."""
        rows = source.rows
        need(rows, self.required)
        marks = Marks(rows.num_rows)
        day = checks.moment(rows, "ds", marks) // DAY_MS + 7 * rules.shift_weeks
        said = {
            "series_id": checks.identifier(rows, "series_id", marks),
            "ds": pa.array(day.astype(np.int32), pa.date32()),
            "y": checks.number(rows, "y", marks),
            "department": pc.fill_null(checks.text(rows, "department"), ""),
            **{name: checks.number(rows, name, marks) for name in _NAMED},
            "regressors": _map(rows, {*self.required, "department", "event_id", *_NAMED}, marks),
            "shift_weeks": same(rules.shift_weeks, rows.num_rows, pa.uint16()),
        }
        hold(pa.table(said), self.row_rules(rules.limits, rules.now), marks)
        once(pa.table({"series_id": said["series_id"], "ds": said["ds"]}), marks)
        times = {"event_time": pa.array(day * DAY_MS, TIME), "ingested_at": same(rules.now_ms, rows.num_rows, TIME)}
        return sound(source, pa.table({**times, **said}), marks)

    def rules_of_rows(self, limits: Limits) -> tuple[Rule, ...]:
        """A series, and sane numbers."""
        price = f"is above 0 and at most {limits.max_price:,.0f}"
        return (
            filled("series_id"),
            between(f"is from 0 to {limits.max_units:,.0f}", "y", 0, limits.max_units),
            between("is from 0 to 1", "known_promo_share", 0, 1, optional=True),
            between(price, "known_price_usd", 0, limits.max_price, strict=True, optional=True),
        )

    def contract(self, limits: Limits, now: datetime) -> Contract:
        """Its rows' rules, each day once, and enough days."""
        rules = (
            *self.row_rules(limits, now),
            Rule(EACH_DAY_ONCE, "ds", "ExpectCompoundColumnsToBeUnique", {"column_list": ["series_id", "ds"]}),
            *numeric("y"),
            at_least(limits.min_rows),
            distinct_at_least(1, "series_id"),
            distinct_at_least(limits.min_days, "ds"),
        )
        return Contract(self.required, rules)

    def broken_together(self, store: Store, storage: StorageSettings) -> list[Broken]:
        """Values of a day that arrived at one moment."""
        return [Broken(EACH_DAY_ONCE, "ds", ids(store.arrow(query("days_told_twice"))))]

    def query(self) -> str:
        """Of each day its newest value."""
        return query("demand")

    def shape(self, rows: pa.Table, storage: StorageSettings) -> pa.Table:
        """A column for each regressor."""
        return flat(rows)

    def weeks(self, store: Store, span: Span) -> pd.DataFrame:
        """Columns event_time, y, department and the regressors."""
        rows = with_categories(flat(store.arrow(self.query(), span.window.params())))
        rows.insert(0, "event_time", rows["ds"].astype("datetime64[ms]").dt.tz_localize(UTC))
        return rows[rows["event_time"] >= span.since].drop(columns=["series_id", "ds"])


def _map(rows: pa.Table, others: set[str], marks: Marks) -> pa.Array:
    """Every other column of numbers, as one map a row."""
    names = [name for name in rows.column_names if name not in others and _has_numbers(rows, name)]
    values = np.full((rows.num_rows, len(names)), np.nan)
    for n, name in enumerate(names):
        values[:, n] = pc.fill_null(checks.number(rows, name, marks), np.nan).to_numpy()
    there = ~np.isnan(values)
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    keys = np.broadcast_to(np.array(names, object), values.shape)[there]
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(keys, pa.string()), pa.array(values[there], pa.float64())
    )


def _has_numbers(rows: pa.Table, name: str) -> bool:
    return checks.number(rows, name, Marks(rows.num_rows)).null_count < rows.num_rows


def flat(table: pa.Table) -> pa.Table:
    """Rows of `demand.sql` with a column for each regressor in place of the map.

    Args:
        table: Columns series_id, ds, y, department, known_promo_share, known_price_usd, regressors (a map).

    Returns:
        The same rows; regressors in alphabetical order after the named ones; columns without any value left out.
    """
    columns = {
        "series_id": table["series_id"].cast(pa.string()),
        "ds": table["ds"].cast(pa.date32()).cast(pa.timestamp("ns")),
        "y": table["y"].cast(pa.float64()),
    }
    department = table["department"].cast(pa.string())
    if pc.any(pc.not_equal(department, "")).as_py():
        columns["department"] = department
    for name, values in _regressors(table).items():
        if values.null_count < len(values):
            columns[name] = values
    return pa.table(columns)


def _regressors(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    named = {name: table[name].cast(pa.float64()) for name in _NAMED}
    maps = table["regressors"].cast(pa.map_(pa.string(), pa.float64()))
    names = {name for chunk in maps.chunks for name in chunk.keys.to_pylist()} - {*_NAMED, *table.column_names}
    return named | {name: pc.map_lookup(maps, pa.scalar(name), "last") for name in sorted(names)}
