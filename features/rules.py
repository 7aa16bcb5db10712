"""What each kind of training set must satisfy, as data: a rule is a sentence, a column and an expectation.

Nothing here runs anything. The rules of a single row stand here once and are used thrice: `features.row_rules` judges
the rows of a file by them at the door, and stored rows when they are put into quarantine; `features.contracts` hands
them, with the rules about all rows together, to Great Expectations.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, NonNegativeFloat, PositiveFloat, PositiveInt

EVENT_TYPES = ("view", "add_to_cart", "remove_from_cart", "purchase", "rating")
LABEL = re.compile(r"^[a-z0-9]+(?:_[a-z0-9]+)*__[a-z0-9]+(?:_[a-z0-9]+)*$")
EACH_DAY_ONCE = "has each day once per series"
ONE_LABEL = "has no image twice, nor under two labels"
A_FILE = "is a file that exists"
_OF_ROWS = {
    "ExpectColumnValuesToNotBeNull",
    "ExpectColumnValuesToBeBetween",
    "ExpectColumnValuesToBeInSet",
    "ExpectColumnValuesToMatchRegex",
    "ExpectCompoundColumnsToBeUnique",
    "ExpectColumnValuesToBeUnique",
}
_NUMBERS = ("float64", "int64", "float32", "int32")


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
    """All that a kind must satisfy: its columns, its rules, and the columns worked out only to be judged."""

    required: tuple[str, ...]
    rules: tuple[Rule, ...]
    derive: Callable[[pd.DataFrame], pd.DataFrame] = field(default=lambda frame: frame)


def contract(kind: str, limits: Limits, now: datetime) -> Contract | None:
    """The contract of `kind`, or None where the kind has none."""
    writer = {"interactions": _interactions, "demand": _demand, "leaves": _leaves}.get(kind)
    return writer(limits, now) if writer else None


def row_rules(kind: str, limits: Limits, now: datetime) -> tuple[Rule, ...]:
    """What each row of `kind` must satisfy by itself, at the door and in a training set.

    Args:
        kind: `interactions`, `demand`, `leaves` or `items`.
        limits: The numbers behind the rules.
        now: After this time, and the skew that clocks are allowed, an event lies in the future.
    """
    latest = pd.Timestamp(now + timedelta(seconds=limits.clock_skew_s))
    of_time = {"interactions": ("timestamp", latest), "demand": ("ds", latest.tz_convert("UTC").tz_localize(None))}
    column, last = of_time.get(kind, ("", latest))
    return (*(_in_time(column, limits, last) if column else ()), *_ROWS[kind](limits))


def _in_time(column: str, limits: Limits, latest: pd.Timestamp) -> tuple[Rule, ...]:
    earliest = pd.Timestamp(limits.earliest).tz_convert("UTC")
    return (
        _filled(column),
        _between(
            "is not before the earliest sensible time", column, earliest if latest.tz else earliest.tz_localize(None)
        ),
        _between("is not in the future", column, high=latest),
    )


def _event_rows(limits: Limits) -> tuple[Rule, ...]:
    rating = limits.max_rating
    return (
        _filled("user_id"),
        _filled("item_id"),
        _known("event_type", EVENT_TYPES),
        _between(f"is from 0 to {limits.max_quantity:,.0f}", "quantity", 0, limits.max_quantity),
        _between(f"is from 0 to {limits.max_price:,.0f}", "price", 0, limits.max_price),
        _between(f"is from {-rating:,.0f} to {rating:,.0f}", "rating", -rating, rating, optional=True),
    )


def _demand_rows(limits: Limits) -> tuple[Rule, ...]:
    return (
        _filled("series_id"),
        _between(f"is from 0 to {limits.max_units:,.0f}", "y", 0, limits.max_units),
        _between("is from 0 to 1", "known_promo_share", 0, 1, optional=True),
        _between(f"is above 0 and at most {limits.max_price:,.0f}", "known_price_usd", 0, limits.max_price, True, True),
    )


def _leaf_rows(limits: Limits) -> tuple[Rule, ...]:
    spelt = Rule("reads crop__condition", "label", "ExpectColumnValuesToMatchRegex", {"regex": LABEL.pattern})
    return (_filled("image_id"), _filled("label"), spelt)


def _item_rows(limits: Limits) -> tuple[Rule, ...]:
    return (
        _filled("item_id"),
        _between(f"is from 0 to {limits.max_price:,.0f}", "price", 0, limits.max_price),
        _between("is 0 or more", "stock", 0),
    )


_ROWS: dict[str, Callable[[Limits], tuple[Rule, ...]]] = {
    "interactions": _event_rows,
    "demand": _demand_rows,
    "leaves": _leaf_rows,
    "items": _item_rows,
}


def _interactions(limits: Limits, now: datetime) -> Contract:
    rules = (
        *row_rules("interactions", limits, now),
        *_number("quantity"),
        _of_type("is a number", "price", _NUMBERS),
        _at_least(limits.min_rows),
        _distinct_at_least(limits.min_users, "user_id"),
        _distinct_at_least(limits.min_items, "item_id"),
    )
    return Contract(("user_id", "item_id", "timestamp", "event_type", "quantity", "price"), rules)


def _demand(limits: Limits, now: datetime) -> Contract:
    rules = (
        *row_rules("demand", limits, now),
        Rule(EACH_DAY_ONCE, "ds", "ExpectCompoundColumnsToBeUnique", {"column_list": ["series_id", "ds"]}),
        *_number("y"),
        _at_least(limits.min_rows),
        _distinct_at_least(1, "series_id"),
        _distinct_at_least(limits.min_days, "ds"),
    )
    return Contract(("series_id", "ds", "y"), rules)


def _leaves(limits: Limits, now: datetime) -> Contract:
    enough = f"with at least {limits.min_images} images"
    rules = (
        *row_rules("leaves", limits, now),
        Rule(ONE_LABEL, "image_id", "ExpectColumnValuesToBeUnique"),
        Rule(A_FILE, "path", "ExpectColumnValuesToBeInSet", {"column": "path_exists", "value_set": [True]}),
        _known("split", ("train", "held_out"), optional=True),
        Rule(
            f"has at least {limits.min_classes} labels {enough}",
            "label",
            "ExpectColumnUniqueValueCountToBeBetween",
            {"column": "label_with_enough", "min_value": limits.min_classes},
        ),
    )
    return Contract(("image_id", "label", "path"), rules, lambda frame: _judged_leaves(frame, limits.min_images))


def _judged_leaves(frame: pd.DataFrame, min_images: int) -> pd.DataFrame:
    images = frame.groupby("label")["image_id"].transform("nunique")
    exists = [isinstance(path, str | Path) and Path(path).is_file() for path in frame["path"]]
    return frame.assign(path_exists=exists, label_with_enough=frame["label"].where(images >= min_images))


def _filled(column: str) -> Rule:
    return Rule("is never missing", column, "ExpectColumnValuesToNotBeNull")


def _number(column: str) -> tuple[Rule, Rule]:
    return _filled(column), _of_type("is a number", column, _NUMBERS)


def _of_type(says: str, column: str, types: tuple[str, ...]) -> Rule:
    return Rule(says, column, "ExpectColumnValuesToBeInTypeList", {"type_list": list(types)})


def _between(
    says: str, column: str, low: Any = None, high: Any = None, strict: bool = False, optional: bool = False
) -> Rule:
    bounds = {"min_value": low, "max_value": high, **({"strict_min": True} if strict else {})}
    return Rule(says, column, "ExpectColumnValuesToBeBetween", bounds, optional)


def _known(column: str, values: tuple[str, ...], optional: bool = False) -> Rule:
    says = f"is one of {', '.join(values)}"
    return Rule(says, column, "ExpectColumnValuesToBeInSet", {"value_set": list(values)}, optional)


def _at_least(rows: int) -> Rule:
    return Rule(f"has at least {rows} rows", "", "ExpectTableRowCountToBeBetween", {"min_value": rows})


def _distinct_at_least(count: int, column: str) -> Rule:
    says = f"has at least {count} different values"
    return Rule(says, column, "ExpectColumnUniqueValueCountToBeBetween", {"min_value": count})
