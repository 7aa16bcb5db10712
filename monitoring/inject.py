"""A known shift put into a week, to see it found."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from monitoring.errors import BadShift, UnknownColumn

MOST_SIGMAS = 100.0


@dataclass(frozen=True)
class Shift:
    """Move `column` by `sigmas` standard deviations of the reference."""

    column: str
    sigmas: float


def parse(text: str, columns: list[str] | None = None) -> Shift:
    """Read `COLUMN:SIGMA`.

    Args:
        text: For example `price:1` or `quantity:-0.5`.
        columns: Columns that can be shifted; None leaves that to `apply`.

    Raises:
        BadShift: The text is not of that form, SIGMA is no number, 0 or larger than 100, or the column is unknown.

    >>> parse("price:1.5")
    Shift(column='price', sigmas=1.5)
    """
    column, colon, number = text.rpartition(":")
    if not colon or not column.strip():
        raise BadShift("shift", f"write COLUMN:SIGMA, for example price:1; got {text!r}")
    if columns is not None and column.strip() not in columns:
        raise BadShift("shift column", f"choose one of {', '.join(columns)}; got {column.strip()!r}")
    return Shift(column.strip(), _sigmas(number))


def _sigmas(number: str) -> float:
    try:
        sigmas = float(number)
    except ValueError:
        raise BadShift("shift sigma", f"write a number of standard deviations, for example 1; got {number!r}") from None
    if not 0 < abs(sigmas) <= MOST_SIGMAS:  # NaN fails too
        raise BadShift("shift sigma", f"choose a number other than 0, between -100 and 100; got {number!r}")
    return sigmas


def apply(current: pd.DataFrame, reference: pd.DataFrame, shift: Shift, seed: int = 0) -> pd.DataFrame:
    """A copy of `current` with one column shifted.

    Numbers move by `sigmas` times the reference's standard deviation; whole numbers stay whole and move by at least 1,
    and where the reference has nothing below zero, neither has the result. Of categories a share of the rows moves to
    the category that is rarest in the reference: 38 % for one sigma, 19 % for a half, never more than all.

    Args:
        current: The rows to change a copy of.
        reference: Where the standard deviation comes from.
        shift: Column and size.
        seed: Seed of the choice of rows.

    Raises:
        UnknownColumn: One of the frames lacks the column.
    """
    for side, frame in (("current", current), ("reference", reference)):
        if shift.column not in frame.columns:
            have = ", ".join(map(str, frame.columns))
            raise UnknownColumn(f"the {side} data have no column {shift.column!r} to shift; they have {have}")
    number = pd.api.types.is_numeric_dtype(reference[shift.column])
    moved = _numbers if number else _categories
    return current.assign(**{shift.column: moved(current[shift.column], reference[shift.column], shift.sigmas, seed)})


def _numbers(current: pd.Series, reference: pd.Series, sigmas: float, seed: int) -> pd.Series:
    step = sigmas * float(np.nanstd(reference.to_numpy(dtype=float, na_value=np.nan)))
    whole = pd.api.types.is_integer_dtype(current)
    if whole:
        step = float(np.sign(sigmas) * max(1, round(abs(step))))
    moved = current + (int(step) if whole else step)
    return moved.clip(lower=0) if reference.min() >= 0 else moved


SHARE_PER_SIGMA = 0.38
"""Two equal bells one sigma apart differ in 38 % of their area, so that share of the rows moves."""


def _categories(current: pd.Series, reference: pd.Series, sigmas: float, seed: int) -> pd.Series:
    rarest = reference.value_counts().loc[lambda rows: rows > 0].index[-1]
    share = min(1.0, SHARE_PER_SIGMA * abs(sigmas))
    chosen = np.random.default_rng(seed).random(len(current)) < share
    return current.astype(object).mask(chosen, rarest)
