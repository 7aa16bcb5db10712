"""A panel cut at past origins, fitted at each, and what was expected of the steps after them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from models.algorithm import Algorithm
from models.forecasting import link
from models.forecasting.fits import Done, Fit, PanelForecaster
from models.forecasting.panel import Panel, Series


class Fold(NamedTuple):
    """A fit at an origin and what it expected of the steps after it, on its link's scale; `actual` likewise."""

    origin: int
    fit: Fit
    expected: np.ndarray
    actual: np.ndarray


class Rolled(NamedTuple):
    """Folds of each series, in the order of the panel and of its origins, and the forecaster of the last origins."""

    folds: list[list[Fold]]
    last: PanelForecaster


def rolled(
    panel: Panel, origins: Sequence[tuple[int, ...]], horizon: int, algorithm: Algorithm, config: Any, done: Done
) -> Rolled:
    """Fit the panel at each of its origins, on the steps before them alone.

    The last origins of all series make one panel, the ones before them another, and so on: an algorithm that learns
    from all series together is given as many panels as there are origins.

    Args:
        panel: The panel; each series has at least one origin.
        origins: Of each series, ascending; an origin is the number of steps before it.
        horizon: Steps to look ahead from each origin.
        algorithm: What is fitted.
        config: Its hyperparameters.
        done: Told of progress.
    """
    rounds = [_cut(panel, origins, back) for back in range(max(map(len, origins)))]
    fitted = _fitted(algorithm, rounds, config, done)
    folds = [
        [fold(one, origin, horizon, fitted[len(own) - 1 - at].of(one.series_id)) for at, origin in enumerate(own)]
        for one, own in zip(panel.series, origins, strict=True)
    ]
    return Rolled(folds, fitted[0])


def _cut(panel: Panel, origins: Sequence[tuple[int, ...]], back: int) -> Panel:
    """The panel at the last origins but `back`, of the series that have so many."""
    cut = [(one, own[-1 - back]) for one, own in zip(panel.series, origins, strict=True) if len(own) > back]
    return Panel(panel.calendar, tuple(one.cut(0, origin) for one, origin in cut))


def _fitted(algorithm: Algorithm, panels: list[Panel], config: Any, done: Done) -> list[PanelForecaster]:
    """A forecaster of each panel; what fits series by series is given all at once, to share its processes."""
    together = getattr(algorithm.fit, "together", None)
    if together is not None:
        return list(together(panels, config, done))
    return [algorithm.fit(panel, config, _part(done, at, len(panels))) for at, panel in enumerate(panels)]


def _part(done: Done, at: int, count: int) -> Done:
    return lambda share: done((at + share) / count)


def fold(series: Series, origin: int, horizon: int, fit: Fit) -> Fold:
    """What a fit on the steps before an origin expected of the `horizon` steps after it."""
    future = series.cut(origin, origin + horizon)
    expected = fit.forecaster.expect(future.ds, future.regressors) if len(future) else np.zeros(0)
    actual = link.to_link(np.maximum(future.y, 0.0) if fit.link != "identity" else future.y, fit.link)
    return Fold(origin, fit, expected, actual)
