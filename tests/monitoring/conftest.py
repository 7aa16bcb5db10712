import numpy as np
import pandas as pd
import pytest

from monitoring.drift import assess
from monitoring.settings import DriftSettings


def weeks_of_rows(n_weeks, rows, seed=0, restless=0.15):
    """Weeks whose mean price and mix of shops wander from week to week, and a column that is only noise."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.normal(0, restless, size=n_weeks), rows)
    tilt = np.cumsum(np.exp(rng.normal(0, restless, size=(n_weeks, 4))), axis=1)
    drawn = rng.random((n_weeks, rows, 1)) > (tilt / tilt[:, -1:])[:, None, :]
    n = n_weeks * rows
    frame = pd.DataFrame(
        {
            "event_time": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) * 7 / rows, unit="D"),
            "price": 10 + 2 * (level + rng.normal(size=n)),
            "quantity": rng.poisson(3, size=n),
            "shop": np.array(list("abcd"))[drawn.sum(axis=2).ravel()],
        }
    )
    return frame.iloc[: n - rows], frame.iloc[n - rows :].reset_index(drop=True)


@pytest.fixture(scope="session")
def market():
    """Thirty quiet weeks to compare with, and one more quiet week."""
    return weeks_of_rows(31, 600, seed=7)


@pytest.fixture(scope="session")
def quiet(market):
    return assess(*market, DriftSettings())


@pytest.fixture(scope="session")
def shifted(market):
    reference, week = market
    return assess(reference, week.assign(price=week["price"] + 2.0), DriftSettings())
