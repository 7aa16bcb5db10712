"""Prophet, one model a series: a piecewise linear trend, seasons the history can show, and known regressors."""

import logging
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from models.forecasting.calendar import DAY_S, Calendar
from models.forecasting.panel import Series
from models.forecasting.per_series import per_series
from models.search import Choice, FloatRange, IntRange

OPTIMISER = {"algorithm": "LBFGS", "iter": 1000, "require_converged": False, "timeout": 20.0}
"""A history without noise never converges, and Newton's method takes seconds on it: stop where it no longer matters."""
FEWEST = 10
"""Observed values that it needs; a shorter history is continued naively."""
PERIODS_DAYS = {"yearly": 365.25, "weekly": 7.0, "daily": 1.0}


class ProphetConfig(BaseModel, frozen=True, extra="forbid", use_attribute_docstrings=True):
    """Hyperparameters, chosen on windows before the first origin of three demand sets."""

    changepoint_prior_scale: float = Field(0.02, gt=0)
    """Flexibility of the trend."""
    n_changepoints: int = Field(10, ge=0, le=100)
    """Places where the trend may bend at most."""
    changepoint_range: float = Field(0.9, gt=0, le=1)
    """Share of the history in which the trend may bend."""
    seasonality_prior_scale: float = Field(10.0, gt=0)
    """Scale of the prior of the seasons' terms."""
    regressor_prior_scale: float = Field(10.0, gt=0)
    """Scale of the prior of a regressor's effect."""
    weekly_order: int = Field(3, ge=0, le=10)
    """Fourier terms of the week at most; fewer where the sampling or the history cannot tell them apart."""
    yearly_order: int = Field(4, ge=0, le=20)
    """The same for the year."""
    daily_order: int = Field(4, ge=0, le=20)
    """The same for the day."""
    link: Literal["auto", "identity", "sqrt", "log1p"] = "auto"
    """Scale of the fit; auto is the square root where no value is negative."""
    carry: bool = True
    """Let the level of the latest residuals carry on, where past windows say that it helps."""
    seed: int = 0
    """Seed of the optimiser."""


def quiet() -> None:
    """Import Prophet and keep it and its optimiser from logging every fit."""
    for name in ("cmdstanpy", "prophet", "prophet.plot", "prophet.models"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.addHandler(logging.NullHandler())  # cmdstanpy sets its own level and handler where it finds none
        logger.propagate = name != "cmdstanpy"
    import prophet  # noqa: F401


def seasons(step_days: float, span_days: float, config: ProphetConfig) -> dict[str, int]:
    """The seasons a history can show and how many Fourier terms each may have.

    A season needs two cycles in the history, and of p steps a cycle only (p − 1) / 2 terms can be told apart: days say
    nothing about the hours of a day.

    >>> seasons(1.0, 300.0, ProphetConfig())
    {'weekly': 3}
    """
    asked = {"yearly": config.yearly_order, "weekly": config.weekly_order, "daily": config.daily_order}
    told = {}
    for name, period in PERIODS_DAYS.items():
        order = min(asked[name], int((period / step_days - 1) // 2))
        if order >= 1 and span_days >= 2 * period:
            told[name] = order
    return told


def fit(series: Series, calendar: Calendar, config: ProphetConfig) -> tuple["Curve", np.ndarray]:
    """Fit Prophet's posterior mode to one series, on the scale it comes in.

    Args:
        series: At least two observed values.
        calendar: The calendar the series lies on.
        config: Hyperparameters.

    Returns:
        The fitted curve, and the residuals in sample, shape (n,), NaN in gaps.

    Raises:
        RuntimeError: The optimiser failed.

    Source: Taylor & Letham, Forecasting at scale (2018).
    """
    from prophet import Prophet
    from prophet.serialize import model_to_dict

    seen = np.isfinite(series.y)
    names = tuple(sorted(name for name, values in series.regressors.items() if np.ptp(values[seen]) > 0))
    model = Prophet(
        n_changepoints=min(config.n_changepoints, int(seen.sum()) // 4),
        changepoint_range=config.changepoint_range,
        changepoint_prior_scale=config.changepoint_prior_scale,
        yearly_seasonality=False,
        weekly_seasonality=False,
        daily_seasonality=False,
        uncertainty_samples=0,
    )
    span_days = float((series.ds[-1] - series.ds[0]) / np.timedelta64(DAY_S, "s")) + calendar.days
    for name, order in seasons(calendar.days, span_days, config).items():
        model.add_seasonality(name, PERIODS_DAYS[name], order, prior_scale=config.seasonality_prior_scale)
    for name in names:
        model.add_regressor(name, prior_scale=config.regressor_prior_scale)
    columns = {"ds": series.ds[seen].astype("datetime64[ns]"), "y": series.y[seen]}
    frame = pd.DataFrame(columns | {name: series.regressors[name][seen] for name in names})
    model.fit(frame, seed=config.seed, **OPTIMISER)
    model.stan_backend.cleanup()
    model.history = model.history.iloc[[0, -1]]  # training rows stay out of the artifact; a forecast needs none
    model.history_dates = model.history_dates.iloc[[0, -1]]
    model.fit_kwargs = {}
    curve = Curve.from_json({"prophet": model_to_dict(model)})
    return curve, series.y - curve.expect(series.ds, series.regressors)


@dataclass(frozen=True)
class Curve:
    """A fitted Prophet evaluated with numpy: the same numbers as `Prophet.predict` without its frames.

    ŷ(t) = (k + a(t)ᵀδ) t + (m − a(t)ᵀ(s ∘ δ)) + x(t)ᵀβ in units of the history's largest value, where s are the
    changepoints, a(t) says which of them have passed and x(t) are Fourier terms and standardised regressors.
    """

    state: dict[str, Any]
    start: np.datetime64
    t_scale_s: float
    y_scale: float
    rate: tuple[float, float]
    changepoints: np.ndarray
    delta: np.ndarray
    beta: np.ndarray
    seasonal: tuple[tuple[float, int], ...]
    scales: dict[str, tuple[float, float]]

    algorithm = "prophet"

    @property
    def regressors(self) -> tuple[str, ...]:
        """What has to be known about the future."""
        return tuple(self.scales)

    def expect(self, ds: np.ndarray, regressors: dict[str, np.ndarray]) -> np.ndarray:
        """The curve at these dates, shape (len(ds),), on the scale it was fitted on."""
        t = (ds - self.start) / np.timedelta64(1, "s") / self.t_scale_s
        passed = (self.changepoints[None, :] <= t[:, None]) * self.delta
        trend = (passed.sum(axis=1) + self.rate[0]) * t + (passed * -self.changepoints).sum(axis=1) + self.rate[1]
        columns = self._columns(ds, regressors)
        effects = np.column_stack(columns) @ self.beta[: len(columns)] if columns else 0.0
        return np.asarray((trend + effects) * self.y_scale)

    def _columns(self, ds: np.ndarray, regressors: dict[str, np.ndarray]) -> list[np.ndarray]:
        days = (ds - np.datetime64(0, "s")) / np.timedelta64(DAY_S, "s")
        columns = []
        for period, order in self.seasonal:
            for term in range(1, order + 1):
                angle = 2 * np.pi * term * days / period
                columns += [np.sin(angle), np.cos(angle)]
        return columns + [(regressors[name] - mean) / spread for name, (mean, spread) in self.scales.items()]

    def to_json(self) -> dict[str, Any]:
        """The state: `prophet` holds the JSON that `prophet.serialize` reads."""
        return self.state

    @staticmethod
    def from_json(state: dict[str, Any]) -> "Curve":
        """What `to_json` wrote; what else the state holds is passed over."""
        fitted = state["prophet"]
        state = {"prophet": fitted}
        params = {name: np.array(value, dtype=float).reshape(-1) for name, value in fitted["params"].items()}
        names, extra = fitted["extra_regressors"]
        kinds, seasonalities = fitted["seasonalities"]
        return Curve(
            state=state,
            start=np.datetime64(round(fitted["start"]), "s"),
            t_scale_s=float(fitted["t_scale"]),
            y_scale=float(fitted["y_scale"]),
            rate=(float(params["k"][0]), float(params["m"][0])),
            changepoints=np.array(fitted["changepoints_t"], dtype=float),
            delta=params["delta"],
            beta=params["beta"],
            seasonal=tuple((float(seasonalities[k]["period"]), int(seasonalities[k]["fourier_order"])) for k in kinds),
            scales={name: (float(extra[name]["mu"]), float(extra[name]["std"])) for name in names},
        )


PROPHET = per_series(
    "prophet",
    ProphetConfig,
    fit,
    Curve.from_json,
    search={
        "changepoint_prior_scale": FloatRange(0.001, 0.5, log=True),
        "n_changepoints": IntRange(5, 30),
        "changepoint_range": FloatRange(0.7, 1.0),
        "seasonality_prior_scale": FloatRange(0.1, 30.0, log=True),
        "regressor_prior_scale": FloatRange(0.1, 30.0, log=True),
        "weekly_order": IntRange(1, 3),
        "yearly_order": IntRange(1, 8),
        "link": Choice(("auto", "identity", "sqrt", "log1p")),
    },
    fewest=FEWEST,
    slow=True,
    prepare=quiet,
)
