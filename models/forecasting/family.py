"""The demand forecaster as a family."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from models import saved
from models.evaluation import Checks, Evaluation, Recipe
from models.family import Family, Progress
from models.forecasting import evaluate as protocols
from models.forecasting import files, training, worth
from models.forecasting import model as models
from models.forecasting.calendar import Calendar
from models.forecasting.model import PanelModel
from models.forecasting.naive import NAIVE, SEASONAL_NAIVE
from models.forecasting.prophet import PROPHET

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GOLDEN = ((14, 0.95), (1, 0.8), (28, 0.5), (7, 0.99))


class DemandFamily(Family[pd.DataFrame, PanelModel]):
    """Forecasts the demand of each series day by day, from its history and from what is planned: promotions and prices.

    Intervals are calibrated on past errors; a series it has not seen is forecast from the history that the request
    brings.
    """

    name = "demand-forecaster"
    default = "prophet"
    primary = protocols.MASE.name
    better = "lower"
    unit = "series_id"
    own = (PROPHET, SEASONAL_NAIVE, NAIVE)

    def read(self, path: Path) -> pd.DataFrame:
        """Series from a CSV or Parquet file: series_id, ds, y and any regressors."""
        return files.read(path)

    def run_protocol(
        self, data: pd.DataFrame, recipes: Sequence[Recipe], protocol: dict[str, Any], progress: Progress
    ) -> list[Evaluation]:
        """One evaluation per recipe by rolling origins; `protocol` may hold horizon and origins."""
        return protocols.evaluate(self, data, recipes, protocol, progress)

    def checks(self, evaluation: Evaluation) -> Checks:
        """Whether intervals hold what they promise, as a whole and step by step, and origins that went badly."""
        own, slices = worth.checks(evaluation), super().checks(evaluation)
        return Checks(own.failures, (*own.warnings, *slices.warnings))

    def training_part(self, data: pd.DataFrame) -> pd.DataFrame:
        """The rows from before the first origin that the fixed protocol scores, series by series."""
        return protocols.before_the_origins(data)

    def learn(self, data: pd.DataFrame, recipe: Recipe, progress: Progress) -> PanelModel:
        """Fit every series on all of its history."""
        return training.fit(data, recipe, self.algorithm(recipe.algorithm), self.config(recipe), progress)

    def load(self, directory: Path) -> PanelModel:
        """Load what `PanelModel.save` wrote."""
        head = saved.header(directory, self.name)
        recipe = Recipe(algorithm=head["algorithm"], params=head["params"])
        load = self.algorithm(recipe.algorithm).load
        return models.load(Path(directory), head, lambda: load(Path(directory), self.config(recipe)))

    def pictures(self, evaluation: Evaluation, model: PanelModel) -> "dict[str, Figure]":
        """Forecasts beside what came, errors against the baselines, coverage by step."""
        from models.forecasting.pictures import draw

        return draw(evaluation)

    def golden(self, model: PanelModel, data: pd.DataFrame) -> list[dict[str, Any]]:
        """A few requests with this model's answers: four of its series, and one history it has not seen."""
        ids = list(model.members)
        chosen = [ids[i] for i in np.linspace(0, len(ids) - 1, len(GOLDEN)).astype(int)]
        requests = [
            {
                "series_id": name,
                "periods": periods,
                "confidence_level": level,
                "regressors": _latest(model, data, name, periods),
            }
            for name, (periods, level) in zip(chosen, GOLDEN, strict=True)
        ]
        requests.append(_unseen(model.calendar))
        return [{"request": request, "answer": model.answer(request)} for request in requests]

    def batch_requests(self, model: PanelModel) -> Iterator[dict[str, Any]]:
        """For every series its calendar's default horizon.

        What is planned is not the model's to invent: a series that needs a regressor refuses such a request.
        """
        for series_id in model.members:
            yield {"series_id": series_id, "periods": model.calendar.horizon}


FAMILY = DemandFamily()


def _latest(model: PanelModel, data: pd.DataFrame, series_id: str, periods: int) -> dict[str, list[float]]:
    """Each regressor held at its last known value: a plausible future for a request that is only replayed."""
    rows = data[data["series_id"].astype(str) == series_id].sort_values("ds")
    needed = model.forecaster.of(series_id).forecaster.regressors
    return {name: [float(rows[name].dropna().iloc[-1])] * periods for name in needed}


def _unseen(calendar: Calendar) -> dict[str, Any]:
    week = [20.0, 18.0, 19.0, 22.0, 30.0, 41.0, 35.0]
    freq = "MS" if calendar.months else "W" if calendar.days >= 7 else "D"
    history = [value + number // 7 for number, value in enumerate(week * 8)]
    return {"historical_data": history, "start": "2024-01-01", "freq": freq, "periods": 7, "confidence_level": 0.9}
