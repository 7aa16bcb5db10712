import numpy as np

from models.forecasting import pool
from models.forecasting.naive import NAIVE
from models.forecasting.panel import lay
from models.forecasting.prophet import PROPHET, ProphetConfig


def test_processes_give_the_same_fits_in_the_same_order_as_one(panel_frame, monkeypatch):
    monkeypatch.setattr(pool, "CHUNK", 3)
    panel = lay(panel_frame)
    series = [(one.cut(0, 60 + more), panel.calendar) for more in range(3) for one in panel.series]
    told: list[float] = []
    one, two = (
        pool.run(PROPHET.fit, series, ProphetConfig(), told.append, processes=processes) for processes in (1, 2)
    )
    for serial, parallel in zip(one, two, strict=True):
        assert serial.forecaster.to_json() == parallel.forecaster.to_json()
        np.testing.assert_array_equal(serial.levels, parallel.levels)
    assert told == [0.5, 1.0, 0.5, 1.0]


def test_naive_work_needs_no_processes():
    assert pool._processes(NAIVE.fit, 10_000) == 1
