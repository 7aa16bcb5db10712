"""The fitted panel: answers forecast requests, and keeps itself in three small files."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.errors import BadRequest, CorruptArtifact, ModelError
from models.evaluation import Recipe
from models.forecasting import requests
from models.forecasting.calendar import Calendar, named, written
from models.forecasting.calibration import Calibration, calibrate
from models.forecasting.carry import Carry
from models.forecasting.fits import Fit, PanelForecaster
from models.forecasting.folds import fold
from models.forecasting.intervals import Conformal, Forecast
from models.forecasting.origins import calibrating
from models.forecasting.panel import Series

FAMILY = "demand-forecaster"
FORMAT = 2
READS = (1, 2)
ENOUGH_RESIDUALS = 40
"""Past errors with which a history given in a request is calibrated on its own; with fewer, the panel's serve."""
MOST_WINDOWS = 4


class Span(NamedTuple):
    """Where a series' training began and ended."""

    first: np.datetime64
    last: np.datetime64


@dataclass(frozen=True)
class PanelModel:
    """Forecasts of many series that share a calendar and a calibration."""

    recipe: Recipe
    calendar: Calendar
    members: Mapping[str, Span]
    forecaster: PanelForecaster
    calibration: Calibration
    notes: Mapping[str, Any]

    @property
    def regressors(self) -> tuple[str, ...]:
        """Names of the columns known in advance that the panel was trained with."""
        return tuple(self.notes.get("regressors", ()))

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """One point for each period that follows the training, or the given history.

        Args:
            request: What `ForecastRequest` takes.

        Returns:
            `points`, each with ds, yhat, lower and upper in the series' own unit, and the `algorithm` that made them.

        Raises:
            BadRequest: With the field at fault and the remedy; MissingRegressor where future values are needed.
        """
        ask = requests.read(request)
        return self._of_history(ask) if ask.series_id is None else self._of_member(ask.series_id, ask)

    def _of_member(self, series_id: str, ask: requests.ForecastRequest) -> dict[str, Any]:
        member = self.members.get(series_id)
        if member is None:
            known = ", ".join(repr(name) for name in list(self.members)[:3])
            raise BadRequest(
                "series_id",
                f"{series_id!r} is not in this model; give one it was trained on ({known}, …) or historical_data",
            )
        unknown = sorted(set(ask.regressors) - set(self.regressors))
        if unknown:
            known = ", ".join(self.regressors) or "none"
            raise BadRequest(
                f"regressors.{unknown[0]}", f"not a regressor of this model (it has {known}); leave it out"
            )
        fit = self.forecaster.of(series_id)
        values = requests.future(ask, fit.forecaster.regressors)
        ds = self.calendar.after(member.last, member.first, ask.periods)
        return _body(fit, ds, values, ask.confidence_level, self.calibration)

    def _of_history(self, ask: requests.ForecastRequest) -> dict[str, Any]:
        """Continue the given numbers, calibrated on their own past where it is long enough."""
        steps = named(str(ask.freq))
        values = requests.history(ask)
        ds = steps.dates(np.datetime64(ask.start, "s"), np.arange(values.size))
        series = Series("request", ds, values).cut(max(0, values.size - requests.MOST_VALUES), values.size)
        fit = self.forecaster.of_history(series, steps)
        own = self._own_calibration(series, steps)
        return _body(fit, steps.after(ds[-1], ds[0], ask.periods), {}, ask.confidence_level, own)

    def _own_calibration(self, series: Series, steps: Calendar) -> Calibration:
        horizon = max(1, min(steps.horizon, len(series) // 4))
        origins = calibrating(series, len(series), horizon, MOST_WINDOWS, steps.season)
        if len(origins) * horizon < ENOUGH_RESIDUALS:
            return Calibration(Carry(), self.calibration.conformal)
        fits = [self.forecaster.of_history(series.cut(0, origin), steps) for origin in origins]
        return calibrate([fold(series, origin, horizon, fit) for origin, fit in zip(origins, fits, strict=True)])

    def save(self, directory: Path) -> None:
        """Write model.json, series.json (dates by series), intervals.npz and the algorithm's own files.

        Saving twice writes the same bytes.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        spans = {name: {"first": str(one.first), "last": str(one.last)} for name, one in self.members.items()}
        (directory / "series.json").write_text(json.dumps(spans, separators=(",", ":")))
        self.forecaster.save(directory)
        conformal = self.calibration.conformal
        np.savez(
            directory / "intervals.npz",
            residuals=conformal.residuals,
            growth=np.array([conformal.power, conformal.horizon], dtype=float),
            carry=np.array(self.calibration.carry, dtype=float),
        )
        (directory / "model.json").write_text(json.dumps(self._head(), indent=1))

    def _head(self) -> dict[str, Any]:
        return {
            "family": FAMILY,
            "algorithm": self.recipe.algorithm,
            "params": self.recipe.params,
            "format": FORMAT,
            "calendar": self.calendar.to_json(),
            "notes": dict(self.notes),
        }


def load(directory: Path, head: dict[str, Any], forecaster: Callable[[], PanelForecaster]) -> PanelModel:
    """What `PanelModel.save` wrote.

    Args:
        directory: Where it is.
        head: What model.json says.
        forecaster: Loads what the algorithm wrote.

    Raises:
        CorruptArtifact: A file is missing, damaged or of another format.
    """
    if head["format"] not in READS:
        told = f"format {head['format']}, this version reads {' and '.join(map(str, READS))}; train it again"
        raise CorruptArtifact(f"{directory}: {told}")
    try:
        return _load(directory, head, forecaster)
    except ModelError:
        raise
    except Exception as error:  # a damaged file fails in many ways
        raise CorruptArtifact(f"{directory}: not a saved {FAMILY} ({error}); package the version again") from error


def _load(directory: Path, head: dict[str, Any], forecaster: Callable[[], PanelForecaster]) -> PanelModel:
    series = json.loads((directory / "series.json").read_text())
    with np.load(directory / "intervals.npz", allow_pickle=False) as arrays:
        power, horizon = arrays["growth"]
        weight, damping = arrays["carry"]
        conformal = Conformal(arrays["residuals"], float(power), int(horizon))
    members = {
        name: Span(np.datetime64(one["first"], "s"), np.datetime64(one["last"], "s")) for name, one in series.items()
    }
    recipe = Recipe(algorithm=head["algorithm"], params=head["params"])
    calibration = Calibration(Carry(int(weight), float(damping)), conformal)
    return PanelModel(recipe, Calendar(**head["calendar"]), members, forecaster(), calibration, head["notes"])


def _body(
    fit: Fit, ds: np.ndarray, regressors: dict[str, np.ndarray], level: float, calibration: Calibration
) -> dict[str, Any]:
    forecast = fit.forecast(ds, regressors, conformal=calibration.conformal, level=level, carried=calibration.carry)
    return {"points": _points(ds, forecast), "algorithm": fit.forecaster.algorithm}


def _points(ds: np.ndarray, forecast: Forecast) -> list[dict[str, Any]]:
    columns = (written(ds), *(values.tolist() for values in forecast))
    return [dict(zip(("ds", "yhat", "lower", "upper"), row, strict=True)) for row in zip(*columns, strict=True)]
