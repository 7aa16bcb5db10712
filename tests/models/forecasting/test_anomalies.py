import numpy as np
import pandas as pd
import pytest

from models.errors import BadData
from models.forecasting.anomalies import anomalies

DAYS = pd.date_range("2024-01-01", periods=4)
ACTUAL = pd.DataFrame({"ds": DAYS, "y": [5.0, 50.0, 5.0, 1.0]})
FORECAST = pd.DataFrame({"ds": DAYS, "yhat": 5.0, "lower": 3.0, "upper": 7.0})


def test_values_outside_their_interval_are_found_with_side_and_excess():
    found = anomalies(ACTUAL, FORECAST)
    assert found["ds"].tolist() == [DAYS[1], DAYS[3]]
    assert found["side"].tolist() == ["high", "low"]
    assert found["excess"].tolist() == [43 / 4, 2 / 4]


def test_frames_are_matched_by_date_whatever_their_order_and_index():
    """Guards P23."""
    shuffled = ACTUAL.iloc[[3, 1, 0, 2]].set_index(pd.Index(["d", "b", "a", "c"]))
    longer = pd.concat([FORECAST.assign(ds=FORECAST["ds"] + pd.Timedelta(days=10), upper=0.0), FORECAST])
    pd.testing.assert_frame_equal(anomalies(shuffled, longer), anomalies(ACTUAL, FORECAST))


def test_a_gap_is_no_anomaly():
    assert anomalies(ACTUAL.assign(y=np.nan), FORECAST).empty


def test_a_date_given_twice_or_a_missing_column_is_refused():
    with pytest.raises(BadData, match=r"actual: ds .* occurs twice"):
        anomalies(pd.concat([ACTUAL, ACTUAL]), FORECAST)
    with pytest.raises(BadData, match="forecast: column upper is missing"):
        anomalies(ACTUAL, FORECAST.drop(columns="upper"))
