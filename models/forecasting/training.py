"""Fit every series of a panel on all of its history, calibrated on its latest windows."""

import numpy as np
import pandas as pd

from models.evaluation import Recipe
from models.family import Progress
from models.forecasting import pool
from models.forecasting.calibration import calibrate
from models.forecasting.model import Member, PanelModel
from models.forecasting.origins import calibrating, windows_wanted
from models.forecasting.panel import Panel, lay


def fit(data: pd.DataFrame, recipe: Recipe, progress: Progress) -> PanelModel:
    """The panel's model; series without a value are left out, short ones are continued naively.

    Args:
        data: Columns series_id, ds, y and any `known_` regressors; not changed.
        recipe: Algorithm and hyperparameters.
        progress: Told how far the work is.

    Raises:
        BadData: The data are malformed.
    """
    panel = lay(data)
    jobs = _jobs(panel)
    made = pool.run(
        jobs,
        panel.calendar.horizon,
        panel.calendar,
        recipe,
        lambda share: progress(share, f"fit {recipe.algorithm}: {share:.0%} of {len(jobs)} series"),
    )
    calibration = calibrate([fold for own in made for fold in own[:-1]])
    members = {
        job.series.series_id: Member(job.series.ds[0], job.series.ds[-1], own[-1].fit.to_json())
        for job, own in zip(jobs, made, strict=True)
    }
    return PanelModel(recipe, panel.calendar, members, calibration, _notes(panel, members))


def _jobs(panel: Panel) -> list[pool.Job]:
    """Each series with its calibrating origins and, last, its end."""
    horizon, season = panel.calendar.horizon, panel.calendar.season
    windows = windows_wanted(len(panel.series), horizon)
    return [pool.Job(one, (*calibrating(one, len(one), horizon, windows, season), len(one))) for one in panel.series]


def _notes(panel: Panel, members: dict[str, Member]) -> dict[str, object]:
    lengths = [len(one) for one in panel.series]
    return {
        "regressors": list(panel.regressors),
        "series": len(members),
        "left_out": panel.left_out,
        "continued_naively": sorted(name for name, one in members.items() if "cycle" in one.state),
        "median_length": int(np.median(lengths)),
        "last": str(max(one.ds[-1] for one in panel.series)),
    }
