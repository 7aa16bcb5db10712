"""The rules of a single row, as judgements on the rows of a file at the door and on stored rows in ClickHouse."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.checks import Marks
from features.rules import Rule


def hold(rows: pa.Table, wanted: Iterable[Rule], marks: Marks) -> None:
    """Hold against each row the first rule that it breaks; rules of columns that are not there are left out."""
    for rule in wanted:
        if rule.column in rows.column_names:
            column = rows[rule.column].combine_chunks()
            marks.add(_JUDGES[rule.expectation](column, rule.options), reason(rule))


def reason(rule: Rule) -> str:
    """What is held against a row that breaks a rule."""
    return f"{rule.column} breaks the rule that it {rule.says}"


def _missing(column: pa.Array, options: dict[str, Any]) -> np.ndarray:
    return _mask(column.is_null())


def _out_of_range(column: pa.Array, options: dict[str, Any]) -> np.ndarray:
    values, low, high = _numbers(column), options["min_value"], options["max_value"]
    inside = np.ones(len(values), bool)
    if low is not None:
        inside &= values > _number(low) if options.get("strict_min") else values >= _number(low)
    if high is not None:
        inside &= values <= _number(high)
    return ~inside & ~_mask(column.is_null())


def _unknown(column: pa.Array, options: dict[str, Any]) -> np.ndarray:
    known = pc.is_in(column, pa.array(options["value_set"], column.type))
    return ~_mask(known) & ~_mask(column.is_null())


def _misspelt(column: pa.Array, options: dict[str, Any]) -> np.ndarray:
    return ~_mask(pc.match_substring_regex(column, options["regex"])) & ~_mask(column.is_null())


_JUDGES: dict[str, Callable[[pa.Array, dict[str, Any]], np.ndarray]] = {
    "ExpectColumnValuesToNotBeNull": _missing,
    "ExpectColumnValuesToBeBetween": _out_of_range,
    "ExpectColumnValuesToBeInSet": _unknown,
    "ExpectColumnValuesToMatchRegex": _misspelt,
}


def in_sql(rule: Rule, column: str) -> tuple[str, dict[str, Any]]:
    """The condition under which a stored row breaks a rule, with its parameters.

    Args:
        rule: A rule of a single row.
        column: The name that its column has in the store.

    Returns:
        SQL that is true for a row that breaks it, and values for its ``{parameters}``.
    """
    options = rule.options
    if rule.expectation == "ExpectColumnValuesToNotBeNull":
        return f"ifNull(toString({column}), '') = ''", {}
    if rule.expectation == "ExpectColumnValuesToBeInSet":
        return f"{column} NOT IN {{known:Array(String)}}", {"known": list(options["value_set"])}
    if rule.expectation == "ExpectColumnValuesToMatchRegex":
        return f"NOT match({column}, {{regex:String}})", {"regex": options["regex"]}
    milliseconds = f"toUnixTimestamp64Milli(toDateTime64({column}, 3, 'UTC'))"
    number = milliseconds if _of_time(options) else f"toFloat64({column})"
    bounds = {"low": options["min_value"], "high": options["max_value"]}
    given = {name: _number(value) for name, value in bounds.items() if value is not None}
    signs = {"low": ">" if options.get("strict_min") else ">=", "high": "<="}
    return f"NOT ({' AND '.join(f'{number} {signs[name]} {{{name}:Float64}}' for name in given)})", given


def _of_time(options: dict[str, Any]) -> bool:
    return any(isinstance(options[name], pd.Timestamp) for name in ("min_value", "max_value"))


def _number(bound: Any) -> float:
    """A bound as a number: of a time, its milliseconds since 1970."""
    return bound.timestamp() * 1000 if isinstance(bound, pd.Timestamp) else float(bound)


def _numbers(column: pa.Array) -> np.ndarray:
    if pa.types.is_temporal(column.type):
        zone = getattr(column.type, "tz", None)
        column = column.cast(pa.timestamp("ms", zone)).cast(pa.int64())
    return pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)


def _mask(values: pa.Array) -> np.ndarray:
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)
