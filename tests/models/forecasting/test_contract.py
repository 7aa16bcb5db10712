import numpy as np
import pandas as pd
import pytest

from models.forecasting.family import FAMILY
from tests.models.contract import ModelContract
from tests.models.forecasting.conftest import daily


class TestForecasters(ModelContract):
    family = FAMILY
    bad_requests = ({}, {"series_id": "apples", "periods": 0}, {"series_id": "apples", "colour": "red"})

    @pytest.fixture(scope="class")
    def data(self):
        return daily("apples", 1.0, 60, 1).drop(columns="known_promo")

    @pytest.fixture(scope="class")
    def requests(self):
        history = [float(5 + day % 7) for day in range(42)]
        return [
            {"series_id": "apples", "periods": 3},
            {"series_id": "apples", "periods": 30, "confidence_level": 0.6},
            {"historical_data": history, "start": "2024-01-01", "freq": "D", "periods": 3},
        ]

    @pytest.fixture(scope="class")
    def stranger(self):
        return {"series_id": "pears", "periods": 3}

    def one_row(self, data):
        return data.head(1)

    def hollow(self, data):
        """Days without sales, before the first and after the last."""
        days = pd.to_datetime(["2023-12-30", "2024-03-05"])
        return pd.concat([data, pd.DataFrame({"series_id": "apples", "ds": days, "y": np.nan})], ignore_index=True)

    def nothing(self, data):
        return data.assign(y=np.nan)
