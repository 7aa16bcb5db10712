"""Values that a forecast's interval did not expect."""

import numpy as np
import pandas as pd

from models.errors import BadData


def anomalies(actual: pd.DataFrame, forecast: pd.DataFrame) -> pd.DataFrame:
    """Observed values outside their interval, matched by date and not by position.

    Args:
        actual: Columns ds, y; any order, any index.
        forecast: Columns ds, yhat, lower, upper; any order, any index.

    Returns:
        One row an anomaly in the order of ds: ds, y, yhat, lower, upper, side ("high" or "low") and excess, the
        distance to the bound it passed in units of the interval's width. Dates in one frame only are not judged.

    Raises:
        BadData: A column is missing or a date occurs twice.
    """
    for name, frame, columns in (
        ("actual", actual, {"ds", "y"}),
        ("forecast", forecast, {"ds", "yhat", "lower", "upper"}),
    ):
        _check(name, frame, columns)
    both = actual[["ds", "y"]].assign(ds=pd.to_datetime(actual["ds"]).astype("datetime64[ns]"))
    other = forecast[["ds", "yhat", "lower", "upper"]].assign(
        ds=pd.to_datetime(forecast["ds"]).astype("datetime64[ns]")
    )
    table = both.merge(other, on="ds").sort_values("ds")
    beyond = np.maximum(table["y"] - table["upper"], table["lower"] - table["y"])
    width = (table["upper"] - table["lower"]).replace(0.0, np.nan)
    table = table.assign(
        side=np.where(table["y"] > table["upper"], "high", "low"), excess=(beyond / width).fillna(np.inf)
    )
    return table[(beyond > 0).to_numpy()].reset_index(drop=True)


def _check(name: str, frame: pd.DataFrame, columns: set[str]) -> None:
    missing = sorted(columns - set(frame.columns))
    if missing:
        raise BadData(f"{name}: column {missing[0]} is missing; give {', '.join(sorted(columns))}")
    if frame["ds"].duplicated().any():
        raise BadData(f"{name}: ds {frame['ds'][frame['ds'].duplicated()].iloc[0]} occurs twice; keep one row a date")
