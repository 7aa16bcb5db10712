import numpy as np
from pydantic import BaseModel, Field

from models.forecasting.cycle import Cycle
from models.forecasting.per_series import per_series


class Config(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    days: int = Field(7, ge=1)
    """Latest days whose mean goes on for ever."""


class Level(Cycle):
    algorithm = "last_days"


def fit(series, calendar, config):
    level = float(np.nanmean(series.y[-config.days :]))
    return Level(np.array([level])), series.y - level


LAST_DAYS = per_series("last_days", Config, fit, lambda state: Level(np.array(state["cycle"])))
