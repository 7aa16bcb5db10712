"""Small panels whose structure is known."""

import numpy as np
import pandas as pd
import pytest

from models.forecasting.family import FAMILY as family

WEEK = np.array([10.0, 8.0, 9.0, 11.0, 15.0, 22.0, 18.0])


def daily(series_id: str, level: float, n_days: int, seed: int) -> pd.DataFrame:
    """A weekly pattern, a promotion that doubles sales, a little noise."""
    rng = np.random.default_rng(seed)
    promo = (rng.random(n_days) < 0.2).astype(float)
    y = level * np.resize(WEEK, n_days) * (1 + promo) * rng.normal(1, 0.05, n_days)
    days = pd.date_range("2024-01-01", periods=n_days, freq="D")
    return pd.DataFrame(
        {"series_id": series_id, "ds": days, "y": y.round(2), "department": "PRODUCE", "known_promo": promo}
    )


@pytest.fixture(scope="session")
def panel_frame() -> pd.DataFrame:
    return pd.concat([daily("apples", 1.0, 98, 1), daily("beans", 5.0, 98, 2)], ignore_index=True)


@pytest.fixture(scope="session")
def fitted(panel_frame: pd.DataFrame):
    return family.fit(panel_frame, family.default_recipe("prophet"))
