"""Algorithms that learn each series by itself: lifted to a panel, in a few processes where that is worth it."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel

from models.algorithm import Algorithm
from models.forecasting import cycle, format_1, link, pool
from models.forecasting.calendar import Calendar
from models.forecasting.cycle import Cycle
from models.forecasting.fits import Done, Fit, Forecaster, fit_from, fit_of, state_of
from models.forecasting.panel import Panel, Series
from models.search import Range

log = logging.getLogger(__name__)

FILE = "forecasters.json"


class Written(Forecaster, Protocol):
    """A forecaster that writes itself down."""

    def to_json(self) -> dict[str, Any]:
        """The state as JSON."""


def nothing() -> None:
    """What an algorithm without heavy imports has to prepare."""


Fitting = Callable[[Series, Calendar, Any], tuple[Written, np.ndarray]]
"""From a series on the scale of its link, its calendar and a config to a forecaster and its residuals in sample."""


@dataclass(frozen=True)
class PerSeries:
    """Fits each series of a panel by itself.

    Attributes:
        fit: Fits one series.
        load: A forecaster from what its `to_json` gave.
        fewest: Observed values that it needs; a shorter history goes on with its last season.
        slow: Whether many fits are worth several processes.
        prepare: Imports what it needs, once a process.
    """

    name: str
    fit: Fitting
    load: Callable[[dict[str, Any]], Written]
    fewest: int = 1
    slow: bool = False
    prepare: Callable[[], None] = nothing

    def __call__(self, panel: Panel, config: BaseModel, done: Done) -> "SeriesForecasters":
        """A forecaster of every series of the panel."""
        return self.together([panel], config, done)[0]

    def together(self, panels: Sequence[Panel], config: BaseModel, done: Done) -> "list[SeriesForecasters]":
        """The same of several panels, whose series share the processes."""
        series = [(one, panel.calendar) for panel in panels for one in panel.series]
        fits = iter(pool.run(self, series, config, done))
        by_panel = [{one.series_id: next(fits) for one in panel.series} for panel in panels]
        return [SeriesForecasters(self, config, own) for own in by_panel]

    def one(self, series: Series, calendar: Calendar, config: BaseModel) -> Fit:
        """Fit one series; a history too short, or one that fails, is continued by its last season."""
        chosen = link.choose(getattr(config, "link", "auto"), series.y)
        forecaster, residuals = self._learned(replace(series, y=link.to_link(series.y, chosen)), calendar, config)
        carries = getattr(config, "carry", False) and not isinstance(forecaster, Cycle)
        return fit_of(forecaster, series, chosen, residuals, carries=carries)

    def _learned(self, scaled: Series, calendar: Calendar, config: BaseModel) -> tuple[Forecaster, np.ndarray]:
        if np.isfinite(scaled.y).sum() >= self.fewest:
            try:
                return self.fit(scaled, calendar, config)
            except (RuntimeError, TimeoutError) as error:
                told = "series %s: %s could not be fitted (%s); continued naively"
                log.warning(told, scaled.series_id, self.name, error)
        return cycle.fit(scaled, calendar.season)

    def restored(self, state: dict[str, Any]) -> Fit:
        """A fit from its state, whether it is the algorithm's own or goes on naively."""
        load = self.load if state["algorithm"] == self.name else Cycle.from_json
        return fit_from(state, load(state))


@dataclass(frozen=True)
class SeriesForecasters:
    """One fit a series; those of a saved model are decoded when they are first asked for."""

    learner: PerSeries
    config: BaseModel
    fits: dict[str, Fit]
    states: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, series_id: str) -> Fit:
        """The fit of a series that it was trained on."""
        if series_id not in self.fits:
            self.fits[series_id] = self.learner.restored(self.states[series_id])
        return self.fits[series_id]

    def of_history(self, series: Series, calendar: Calendar) -> Fit:
        """The given history, fitted now."""
        self.learner.prepare()
        return self.learner.one(series, calendar, self.config)

    def save(self, directory: Path) -> None:
        """Write every fit into one file, the same bytes each time."""
        states = self.states or {name: _state(fit) for name, fit in self.fits.items()}
        (directory / FILE).write_text(json.dumps(states, separators=(",", ":")))


def _state(fit: Fit) -> dict[str, Any]:
    forecaster: Any = fit.forecaster
    return state_of(fit, forecaster.to_json())


def per_series(
    name: str,
    config: type[BaseModel],
    fit: Fitting,
    load: Callable[[dict[str, Any]], Written],
    *,
    search: Mapping[str, Range] | None = None,
    needs: Iterable[str] = (),
    **how: Any,
) -> Algorithm:
    """The record of an algorithm that fits one series at a time; `how` holds the other fields of `PerSeries`.

    A hyperparameter `link` names the scale that series are given on; one called `carry` lets the level of the latest
    residuals carry on, where past windows say that it helps.
    """
    learner = PerSeries(name, fit, load, **how)

    def loaded(directory: Path, config: BaseModel) -> SeriesForecasters:
        old = format_1.states(directory)
        states = json.loads((directory / FILE).read_text()) if old is None else old
        return SeriesForecasters(learner, config, {}, states)

    return Algorithm(name, config, learner, loaded, search=search or {}, needs=frozenset(needs))
