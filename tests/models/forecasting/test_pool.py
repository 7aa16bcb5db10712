import pickle

import numpy as np
import pytest

from models.forecasting import pool
from models.forecasting.family import FAMILY as family
from models.forecasting.naive import NAIVE, NaiveConfig
from models.forecasting.panel import lay


def test_processes_give_the_same_fits_in_the_same_order_as_one(panel_frame, monkeypatch):
    monkeypatch.setattr(pool, "CHUNK", 3)
    panel = lay(panel_frame)
    series = [(one.cut(0, 60 + more), panel.calendar) for more in range(3) for one in panel.series]
    told: list[float] = []
    one, two = (pool.run(NAIVE.fit, series, NaiveConfig(), told.append, processes=processes) for processes in (1, 2))
    for serial, parallel, (own, _) in zip(one, two, series, strict=True):
        assert serial.forecaster.to_json() == parallel.forecaster.to_json() == {"cycle": [np.sqrt(own.y[-1])]}
        assert serial.spread == parallel.spread
    assert told == [0.5, 1.0, 0.5, 1.0]


def test_naive_work_needs_no_processes():
    assert pool._processes(NAIVE.fit, 10_000) == 1


@pytest.mark.parametrize("name", [one.name for one in family.own])
def test_what_fits_a_series_can_be_sent_to_another_process(name):
    learner = family.algorithms[name].fit
    assert pickle.loads(pickle.dumps(learner)) == learner
