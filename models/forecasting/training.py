"""Fit a panel on all of its history, calibrated on its latest windows."""

from typing import Any

import numpy as np
import pandas as pd

from models.algorithm import Algorithm
from models.evaluation import Recipe
from models.family import Progress
from models.forecasting.calibration import calibrate
from models.forecasting.fits import PanelForecaster
from models.forecasting.folds import rolled
from models.forecasting.model import PanelModel, Span
from models.forecasting.origins import calibrating, windows_wanted
from models.forecasting.panel import Panel, lay


def fit(data: pd.DataFrame, recipe: Recipe, algorithm: Algorithm, config: Any, progress: Progress) -> PanelModel:
    """The panel's model; series without a value are left out, short ones are continued naively.

    Args:
        data: Columns series_id, ds, y and any `known_` regressors; not changed.
        recipe: Algorithm and hyperparameters.
        algorithm: The recipe's.
        config: The recipe's hyperparameters, checked.
        progress: Told how far the work is.

    Raises:
        BadData: The data are malformed.
    """
    panel = lay(data)
    made = rolled(
        panel,
        _origins(panel),
        panel.calendar.horizon,
        algorithm,
        config,
        lambda share: progress(share, f"fit {recipe.algorithm}: {share:.0%} of {len(panel.series)} series"),
    )
    calibration = calibrate([fold for own in made.folds for fold in own[:-1]])
    members = {one.series_id: Span(one.ds[0], one.ds[-1]) for one in panel.series}
    return PanelModel(recipe, panel.calendar, members, made.last, calibration, _notes(panel, made.last, recipe))


def _origins(panel: Panel) -> list[tuple[int, ...]]:
    """Of each series its calibrating origins and, last, its end."""
    horizon, season = panel.calendar.horizon, panel.calendar.season
    windows = windows_wanted(len(panel.series), horizon)
    return [(*calibrating(one, len(one), horizon, windows, season), len(one)) for one in panel.series]


def _notes(panel: Panel, forecaster: PanelForecaster, recipe: Recipe) -> dict[str, object]:
    ids = [one.series_id for one in panel.series]
    return {
        "regressors": list(panel.regressors),
        "series": len(ids),
        "left_out": panel.left_out,
        "continued_naively": sorted(i for i in ids if forecaster.of(i).forecaster.algorithm != recipe.algorithm),
        "median_length": int(np.median([len(one) for one in panel.series])),
        "last": str(max(one.ds[-1] for one in panel.series)),
    }
