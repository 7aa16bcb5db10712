"""The naive forecasters: the last value, and the last season, repeated."""

from typing import Literal

import numpy as np
from pydantic import BaseModel

from models.forecasting import cycle
from models.forecasting.calendar import Calendar
from models.forecasting.cycle import Cycle
from models.forecasting.panel import Series
from models.forecasting.per_series import per_series


class NaiveConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """The scale alone, on which past errors are measured for the intervals."""

    link: Literal["auto", "identity", "sqrt", "log1p"] = "auto"
    """Scale of the fit; auto is the square root where no value is negative."""


def _last_value(series: Series, calendar: Calendar, config: NaiveConfig) -> tuple[Cycle, np.ndarray]:
    return cycle.fit(series, 1)


def _last_season(series: Series, calendar: Calendar, config: NaiveConfig) -> tuple[Cycle, np.ndarray]:
    return cycle.fit(series, calendar.season)


NAIVE = per_series("naive", NaiveConfig, _last_value, Cycle.from_json)
SEASONAL_NAIVE = per_series("seasonal_naive", NaiveConfig, _last_season, Cycle.from_json)
