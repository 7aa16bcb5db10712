import numpy as np
import pandas as pd
import pytest

from models.errors import BadData
from models.forecasting.panel import lay


def frame(days, y, **columns) -> pd.DataFrame:
    return pd.DataFrame({"series_id": "a", "ds": pd.to_datetime(days), "y": y, **columns})


def test_a_missing_day_stays_missing():
    laid = lay(frame(["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05"], [1.0, 2, 4, 5])).series[0]
    np.testing.assert_equal(laid.y, [1, 2, np.nan, 4, 5])


def test_rows_in_any_order_are_laid_in_time():
    laid = lay(frame(["2024-01-03", "2024-01-01", "2024-01-02"], [3.0, 1, 2])).series[0]
    assert laid.y.tolist() == [1, 2, 3]


def test_a_series_ends_with_its_last_observation():
    laid = lay(frame(["2024-01-01", "2024-01-02", "2024-01-03"], [1.0, 2, np.nan])).series[0]
    assert len(laid) == 2


def test_only_known_columns_are_regressors_and_their_gaps_carry_the_last_value():
    days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    laid = lay(frame(days, [1.0, 2, 3], known_price=[2.0, np.nan, 3.0], rain=[0.0, 1, 2], department="X")).series[0]
    assert {name: list(values) for name, values in laid.regressors.items()} == {"known_price": [2, 2, 3]}


def test_a_series_without_values_is_left_out_and_named():
    rows = pd.concat(
        [frame(["2024-01-01", "2024-01-02"], [1.0, 2]), frame(["2024-01-01"], [np.nan]).assign(series_id="b")]
    )
    panel = lay(rows)
    assert [one.series_id for one in panel.series] == ["a"]
    assert "no value" in panel.left_out["b"]


def test_the_input_is_left_alone():
    rows = frame(["2024-01-02", "2024-01-01"], [1.0, 2])
    before = rows.copy(deep=True)
    lay(rows)
    pd.testing.assert_frame_equal(rows, before)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (frame(["2024-01-01", "2024-01-01"], [1.0, 2]), "occurs twice in series 'a'; keep one row"),
        (frame(["2024-01-01", "2024-01-02"], [1.0, np.inf]), "y: row 2 is infinite"),
        (frame(["2024-01-01", "2024-01-02"], ["1", "two"]), "y: not a column of numbers"),
        (frame(["2024-01-01", "2024-01-02"], [1.0, 2], known_p=["x", "y"]), "known_p: not a column of numbers"),
        (frame(["2024-01-01", None], [1.0, 2]), "ds: row 2 is empty"),
        (frame(["2024-01-01", "2024-01-02"], [np.nan, np.nan]), "no value was observed in any series"),
        (frame(["2024-01-01", "2024-01-02"], [1.0, 2]).drop(columns="y"), "column y is missing"),
        (frame([], []), "no rows"),
    ],
)
def test_bad_rows_are_refused_with_column_and_remedy(rows, message):
    with pytest.raises(BadData, match=message):
        lay(rows)


def test_a_date_far_out_is_taken_for_a_mistake():
    rows = frame([*pd.date_range("1700-01-01", periods=9), pd.Timestamp("2200-01-01")], np.ones(10))
    with pytest.raises(BadData, match="look for a wrong date"):
        lay(rows)
