"""What contracts are made of, as data: a rule is a sentence, a column and an expectation.

Nothing here runs anything. Each kind of data has its own, and those of a single row are used thrice:
`features.row_rules` judges the rows of a file by them at the door, and stored rows when they are put into quarantine;
`features.contracts` hands them, with the rules about all rows together, to Great Expectations.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from pydantic import BaseModel, NonNegativeFloat, PositiveFloat, PositiveInt

_OF_ROWS = {
    "ExpectColumnValuesToNotBeNull",
    "ExpectColumnValuesToBeBetween",
    "ExpectColumnValuesToBeInSet",
    "ExpectColumnValuesToMatchRegex",
    "ExpectCompoundColumnsToBeUnique",
    "ExpectColumnValuesToBeUnique",
}
NUMBERS = ("float64", "int64", "float32", "int32")


class Limits(BaseModel, frozen=True, extra="forbid"):
    """The numbers behind the contracts; a data owner may tighten them."""

    earliest: datetime = datetime(1970, 1, 2, tzinfo=UTC)
    """An event before this is a clock that was never set."""
    clock_skew_s: NonNegativeFloat = 300.0
    """How far ahead of ours a sender's clock may run, in seconds."""
    max_quantity: PositiveFloat = 1_000_000.0
    """Units in one line of an order; petrol is counted in millilitres. None is a voided line, let through."""
    max_price: PositiveFloat = 1_000_000.0
    """Price of one unit, in its currency."""
    max_rating: PositiveFloat = 100.0
    """Ratings are on the marketplace's own scale, which may go below zero."""
    min_rows: PositiveInt = 50
    min_users: PositiveInt = 5
    min_items: PositiveInt = 5
    min_days: PositiveInt = 28
    """Distinct days of demand: two observed weeks and two to judge them by."""
    max_units: PositiveFloat = 1e12
    """Demand of one series on one day, in its unit."""
    min_classes: int = 2
    min_images: PositiveInt = 10
    """Images that a class needs before it counts as one that can be learned."""


@dataclass(frozen=True)
class Rule:
    """One demand on a column: `says` it in words, `expectation` names the Great Expectations class that checks it."""

    says: str
    column: str
    expectation: str
    options: dict[str, Any] = field(default_factory=dict)
    optional: bool = False
    """True where the rule holds only if the frame has the column."""

    @property
    def of_rows(self) -> bool:
        """True where single rows break it, so that it holds again once they are out of the way."""
        return self.expectation in _OF_ROWS

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the expectation; a rule of the whole table has no column."""
        named = {"column": self.column} if self.column and "column_list" not in self.options else {}
        return {**named, **self.options}


@dataclass(frozen=True)
class Contract:
    """All that a training set must satisfy: its columns, its rules, and the columns worked out only to be judged."""

    required: tuple[str, ...]
    rules: tuple[Rule, ...]
    derive: Callable[[pd.DataFrame], pd.DataFrame] = field(default=lambda frame: frame)


def in_time(column: str, limits: Limits, now: datetime, zone: str | None = "UTC") -> tuple[Rule, ...]:
    """What a column of times must satisfy; `zone` is None where it holds days without one."""
    bounds = (limits.earliest, now + timedelta(seconds=limits.clock_skew_s))
    earliest, latest = (pd.Timestamp(moment).tz_convert("UTC") for moment in bounds)
    if zone is None:
        earliest, latest = earliest.tz_localize(None), latest.tz_localize(None)
    return (
        filled(column),
        between("is not before the earliest sensible time", column, earliest),
        between("is not in the future", column, high=latest),
    )


def filled(column: str) -> Rule:
    """A value in every row."""
    return Rule("is never missing", column, "ExpectColumnValuesToNotBeNull")


def numeric(column: str) -> tuple[Rule, Rule]:
    """A number in every row."""
    return filled(column), of_type("is a number", column, NUMBERS)


def of_type(says: str, column: str, types: tuple[str, ...]) -> Rule:
    """A column of one of these types."""
    return Rule(says, column, "ExpectColumnValuesToBeInTypeList", {"type_list": list(types)})


def between(
    says: str, column: str, low: Any = None, high: Any = None, strict: bool = False, optional: bool = False
) -> Rule:
    """Values within bounds, both allowed unless `strict`, which leaves out the lower one."""
    bounds = {"min_value": low, "max_value": high, **({"strict_min": True} if strict else {})}
    return Rule(says, column, "ExpectColumnValuesToBeBetween", bounds, optional)


def known(column: str, values: tuple[str, ...], optional: bool = False) -> Rule:
    """One of these values in every row that has one."""
    says = f"is one of {', '.join(values)}"
    return Rule(says, column, "ExpectColumnValuesToBeInSet", {"value_set": list(values)}, optional)


def at_least(rows: int) -> Rule:
    """So many rows at least."""
    return Rule(f"has at least {rows} rows", "", "ExpectTableRowCountToBeBetween", {"min_value": rows})


def distinct_at_least(count: int, column: str) -> Rule:
    """So many different values at least."""
    says = f"has at least {count} different values"
    return Rule(says, column, "ExpectColumnUniqueValueCountToBeBetween", {"min_value": count})
