"""Errors of forecasts: scaled (MASE) and relative to the volume (WAPE). Steps without an observation do not count."""

import numpy as np


def seasonal_scale(y: np.ndarray, season: int) -> float:
    """Mean absolute change from one season to the next: the in-sample error of the seasonal naive forecast.

    Args:
        y: Training values, shape (n,), NaN in gaps.
        season: Steps in a season.

    Returns:
        In the unit of y; NaN where no two values lie a season apart.

    >>> seasonal_scale(np.array([1.0, 2.0, 2.0, 4.0]), 2)
    1.5
    """
    changes = np.abs(y[season:] - y[:-season])
    changes = changes[np.isfinite(changes)]
    return float(changes.mean()) if changes.size else float("nan")


def mase(actual: np.ndarray, forecast: np.ndarray, scale: float) -> float:
    """Mean absolute error over the observed steps in units of `scale`; NaN where the scale is 0 or nothing was seen.

    Source: Hyndman & Koehler, Another look at measures of forecast accuracy (2006).

    >>> mase(np.array([3.0, 5.0, np.nan]), np.array([2.0, 2.0, 2.0]), 4.0)
    0.5
    """
    errors = np.abs(actual - forecast)[np.isfinite(actual)]
    return float(errors.mean() / scale) if errors.size and scale > 0 else float("nan")


def wape(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Sum of absolute errors divided by the sum of absolute values, over the observed steps.

    >>> wape(np.array([3.0, 5.0]), np.array([2.0, 2.0]))
    0.5
    """
    seen = np.isfinite(actual)
    volume = float(np.abs(actual[seen]).sum())
    return float(np.abs(actual - forecast)[seen].sum() / volume) if volume > 0 else float("nan")


def covered(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Whether each observed step lies within its interval, shape (n,): 1, 0, or NaN in gaps."""
    inside = ((actual >= lower) & (actual <= upper)).astype(float)
    return np.where(np.isfinite(actual), inside, np.nan)
