import numpy as np

from models.forecasting import pool
from models.forecasting.family import FAMILY as family
from models.forecasting.panel import lay


def test_processes_give_the_same_folds_in_the_same_order_as_one(panel_frame):
    panel = lay(panel_frame)
    jobs = [pool.Job(one.cut(0, 60 + more), (40, 50)) for more in range(3) for one in panel.series]
    told: list[float] = []
    one, two = (
        pool.run(jobs, 7, panel.calendar, family.default_recipe("prophet"), told.append, processes=processes)
        for processes in (1, 2)
    )
    for serial, parallel in zip(one, two, strict=True):
        for left, right in zip(serial, parallel, strict=True):
            np.testing.assert_array_equal(left.expected, right.expected)
            assert left.fit.to_json() == right.fit.to_json()
    assert told == [0.5, 1.0, 0.5, 1.0]


def test_naive_work_needs_no_processes():
    assert pool._processes([pool.Job(None, tuple(range(1000)))], family.default_recipe("naive")) == 1
