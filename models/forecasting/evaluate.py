"""The demand forecaster's protocol: rolling origins, the seasonal naive error as the measure, two naive forecasts."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from models import rolling
from models.evaluation import Evaluation, Recipe
from models.family import Family, Progress
from models.forecasting.metrics import mase, seasonal_scale
from models.forecasting.scored import Metric

MASE = Metric("mase", seasonal_scale, mase)
BASELINES = ("naive", "seasonal_naive")


def evaluate(
    family: Family[Any, Any],
    data: pd.DataFrame,
    recipes: Sequence[Recipe],
    protocol: dict[str, Any],
    progress: Progress,
) -> list[Evaluation]:
    """Score recipes by MASE over rolling origins; `protocol` may hold horizon and origins."""
    return rolling.evaluate(
        family, data, recipes, metric=MASE, baselines=BASELINES, protocol=protocol, progress=progress
    )


def before_the_origins(data: pd.DataFrame) -> pd.DataFrame:
    """The rows of each series from before its first scored origin; a series that is not scored keeps all its rows."""
    return rolling.before_the_origins(data, MASE)
