"""An algorithm that learns all series together, brought by another package: what a global network would be."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from base import packages
from models.algorithm import Algorithm
from models.forecasting.family import DemandFamily
from models.forecasting.fits import fit_of
from tests.models.forecasting.conftest import WEEK


class PooledConfig(BaseModel, frozen=True, extra="forbid"):
    days: int = 28


@dataclass(frozen=True)
class Level:
    """A series' level times the week that all series share."""

    level: float
    week: np.ndarray
    start: int
    algorithm = "pooled"
    regressors = ()

    def expect(self, ds, regressors):
        return self.level * self.week[(self.start + np.arange(ds.size)) % 7]


@dataclass(frozen=True)
class Pooled:
    week: np.ndarray
    states: dict

    def of(self, series_id):
        level, start, spread = self.states[series_id]
        return fit_of(Level(level, self.week, start), SimpleNamespace(y=np.ones(1)), "identity", np.array([spread]))

    def of_history(self, series, calendar):
        return Pooled(self.week, {series.series_id: _state(series, self.week)}).of(series.series_id)

    def save(self, directory):
        (directory / "pooled.json").write_text(json.dumps({"week": self.week.tolist(), "states": self.states}))


def _state(series, week):
    level = float(np.nanmean(series.y))
    residuals = series.y - level * week[np.arange(len(series)) % 7]
    return level, len(series) % 7, float(np.nanmean(np.abs(residuals)))


panels = []


def fit(panel, config, done):
    panels.append([len(one) for one in panel.series])
    weeks = [(one.y[: len(one) // 7 * 7] / np.nanmean(one.y)).reshape(-1, 7).mean(axis=0) for one in panel.series]
    week = np.mean(weeks, axis=0)
    done(1.0)
    return Pooled(week, {one.series_id: _state(one, week) for one in panel.series})


def load(directory, config):
    state = json.loads((directory / "pooled.json").read_text())
    return Pooled(np.array(state["week"]), state["states"])


@pytest.fixture
def family(monkeypatch):
    record = Algorithm("pooled", PooledConfig, fit, load)
    point = SimpleNamespace(name="demand-forecaster.pooled", value="pkg:POOLED", dist=None, load=lambda: record)
    monkeypatch.setattr(packages, "entry_points", lambda group: [point])
    panels.clear()
    return DemandFamily()


@pytest.fixture
def data():
    days = pd.date_range("2024-01-01", periods=70)
    rng = np.random.default_rng(0)
    series = [(f"s{n}", (n + 1) * np.resize(WEEK, 70) * rng.normal(1, 0.02, 70)) for n in range(3)]
    return pd.concat([pd.DataFrame({"series_id": name, "ds": days, "y": y}) for name, y in series])


def test_it_is_given_the_panel_as_it_was_at_each_origin_and_beats_the_naive_ones(family, data):
    told = []
    (found,) = family.evaluate(data, family.default_recipe("pooled"), progress=lambda share, text: told.append(share))
    assert panels == [[56] * 3, [42] * 3, [28] * 3, [14] * 3]
    assert found.metrics["mase"] < found.baselines["seasonal_naive"]["mase"]
    assert told == sorted(told) and told[-1] == 1.0


def test_it_answers_for_its_series_and_for_a_history_saved_and_loaded(family, data, tmp_path):
    model = family.fit(data, family.default_recipe("pooled"))
    model.save(tmp_path)
    loaded = family.load(tmp_path)
    history = {"historical_data": (5 * np.resize(WEEK, 42)).tolist(), "start": "2024-01-01", "freq": "D", "periods": 7}
    for request in ({"series_id": "s1", "periods": 7}, history):
        answer = loaded.answer(request)
        assert answer == model.answer(request)
        assert answer["algorithm"] == "pooled"
    assert [point["yhat"] for point in answer["points"]] == pytest.approx(5 * WEEK, rel=0.05)
