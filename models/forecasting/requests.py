"""What a forecast request may ask, checked field by field."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from models.errors import BadRequest, MissingRegressor

MOST_PERIODS = 365
FEWEST_VALUES = 10
MOST_VALUES = 3000
"""Longest history that is fitted on the fly; of a longer one the latest steps are used."""
LOWEST_LEVEL, HIGHEST_LEVEL = 0.5, 0.99
FIELDS = ("series_id", "historical_data", "start", "freq", "periods", "confidence_level", "regressors")


class Ask(NamedTuple):
    """A checked request: how far, how sure, and what is known about the future."""

    periods: int
    level: float
    regressors: dict[str, Any]


def read(request: dict[str, Any]) -> Ask:
    """The parts every forecast request has.

    Raises:
        BadRequest: A field is unknown, malformed or out of range, or the source of the forecast is not told.
    """
    unknown = sorted(set(request) - set(FIELDS))
    if unknown:
        raise BadRequest(unknown[0], f"not a field of a forecast request; give {', '.join(FIELDS)}")
    if (request.get("series_id") is None) == (request.get("historical_data") is None):
        raise BadRequest("series_id", "give either series_id, or historical_data with start and freq")
    return Ask(_periods(request), _level(request), _regressors(request))


def _periods(request: dict[str, Any]) -> int:
    periods = request.get("periods", 14)
    if not isinstance(periods, int) or isinstance(periods, bool) or not 1 <= periods <= MOST_PERIODS:
        raise BadRequest("periods", f"{periods!r} is not a whole number from 1 to {MOST_PERIODS}")
    return periods


def _level(request: dict[str, Any]) -> float:
    level = request.get("confidence_level", 0.95)
    number = isinstance(level, int | float) and not isinstance(level, bool)
    if not number or not LOWEST_LEVEL <= level <= HIGHEST_LEVEL:
        raise BadRequest("confidence_level", f"{level!r} is not a number from {LOWEST_LEVEL} to {HIGHEST_LEVEL}")
    return float(level)


def _regressors(request: dict[str, Any]) -> dict[str, Any]:
    regressors = request.get("regressors") or {}
    if not isinstance(regressors, dict):
        raise BadRequest("regressors", "give an object: the name of each regressor with one value a period")
    return regressors


def future(ask: Ask, needed: Sequence[str]) -> dict[str, np.ndarray]:
    """The future values a series' forecaster needs, each of shape (periods,).

    Raises:
        MissingRegressor: One or more are not given; the message names all of them.
        BadRequest: One is not known to the model, or does not hold one finite number a period.
    """
    missing = [name for name in needed if name not in ask.regressors]
    if missing:
        names = ", ".join(missing)
        remedy = (
            f"this series was trained with {', '.join(needed)}; give {ask.periods} future values, one a period, for"
        )
        raise MissingRegressor("regressors", f"{names} missing: {remedy} {names}")
    return {name: _values(name, ask.regressors[name], ask.periods) for name in needed}


def _values(name: str, given: Any, periods: int) -> np.ndarray:
    field = f"regressors.{name}"
    values = numbers(field, given)
    if values.size != periods:
        raise BadRequest(field, f"{values.size} values for {periods} periods; give one for each")
    if not np.isfinite(values).all():
        raise BadRequest(field, f"value {int(np.argmin(np.isfinite(values))) + 1} is not a finite number; give one")
    return values


def numbers(field: str, given: Any) -> np.ndarray:
    """A list of numbers, null as NaN, shape (n,).

    Raises:
        BadRequest: It is anything else.
    """
    plain = isinstance(given, list | tuple) and all(
        one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in given
    )
    if not plain:
        raise BadRequest(field, "not a list of numbers; give numbers alone")
    return np.array([np.nan if one is None else one for one in given], dtype=float)


def history(request: dict[str, Any]) -> np.ndarray:
    """The numbers to continue, shape (n,), null for a gap; of very many the latest.

    Raises:
        BadRequest: They are too few or not finite.
    """
    values = numbers("historical_data", request["historical_data"])
    if np.isinf(values).any() or (np.abs(values[np.isfinite(values)]) > 1e15).any():
        raise BadRequest(
            "historical_data", "holds a number that is infinite or beyond 1e15; give the values in their unit"
        )
    if np.isfinite(values).sum() < FEWEST_VALUES:
        raise BadRequest("historical_data", f"{values.size} numbers are too few; give at least {FEWEST_VALUES}")
    seen = np.flatnonzero(np.isfinite(values))
    return values[: seen[-1] + 1]
