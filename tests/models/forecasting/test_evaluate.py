import numpy as np
import pandas as pd
import pytest

from models.errors import BadRequest, HistoryTooShort
from models.evaluation import Recipe
from models.forecasting.calendar import calendar
from models.forecasting.family import FAMILY as family
from models.forecasting.origins import plan
from models.forecasting.panel import Series

NAIVE, SEASONAL = Recipe(algorithm="naive"), Recipe(algorithm="seasonal_naive")


def frame(y, series_id="a", freq="D", **columns) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=len(y), freq=freq)
    return pd.DataFrame({"series_id": series_id, "ds": days, "y": np.asarray(y, dtype=float), **columns})


def series(n: int) -> Series:
    return Series("a", np.arange(n).astype("datetime64[D]").astype("datetime64[s]"), np.ones(n))


def test_five_origins_one_horizon_apart_end_with_the_series():
    made = plan(series(302), calendar(1.0), 14, 5, 2)
    assert made.scored == (232, 246, 260, 274, 288)
    assert made.calibrating == (204, 218)


def test_training_is_never_shorter_than_two_seasons():
    assert plan(series(50), calendar(1.0), 14, 5, 2).scored == (22, 36)  # 8 would be shorter


def test_a_series_shorter_than_two_seasons_is_scored_with_a_season_of_one_step():
    made = plan(series(60), calendar(7.0), 8, 5, 2)
    assert made.season == 1 and made.scored == (20, 28, 36, 44, 52)


def test_a_line_costs_the_naive_forecast_what_one_can_work_out():
    # y = t: the seasonal change is 7; naive errors at steps 1..14 average 7.5; seasonal naive errors are 7 and 14
    result = family.evaluate(frame(np.arange(100.0)), [NAIVE])[0]
    assert result.metrics["mase"] == pytest.approx(7.5 / 7)
    assert result.baselines["seasonal_naive"]["mase"] == pytest.approx(10.5 / 7)
    assert result.n == 5 * 14
    forecast_sum = sum(7.5 * 14 for _ in range(5))
    assert result.metrics["wape"] == pytest.approx(forecast_sum / np.arange(30, 100).sum())
    assert set(result.metrics) == {"mase", "wape", "coverage@95", "width@95"}


def test_horizon_and_origins_can_be_asked_for():
    result = family.evaluate(frame(np.arange(100.0)), NAIVE, protocol={"horizon": 2, "origins": 3})[0]
    assert result.n == 6 and result.metrics["mase"] == pytest.approx(1.5 / 7)
    assert result.protocol["horizon"] == 2 and result.protocol["origins"] == 3


@pytest.mark.parametrize("protocol", [{"horizon": 0}, {"origins": "many"}, {"steps": 3}])
def test_an_impossible_protocol_names_its_part(protocol):
    with pytest.raises(BadRequest, match=f"protocol.{next(iter(protocol))}"):
        family.evaluate(frame(np.arange(100.0)), NAIVE, protocol=protocol)


def test_gaps_are_not_scored():
    y = np.arange(100.0)
    y[[95, 97]] = np.nan
    assert family.evaluate(frame(y), [NAIVE])[0].n == 68


def test_a_scale_of_zero_is_left_out_and_counted():
    flat = np.r_[np.full(86, 3.0), np.arange(14.0)]  # constant up to the last origin
    both = pd.concat([frame(np.arange(100.0)), frame(flat, "flat")])
    result = family.evaluate(both, [NAIVE])[0]
    assert result.metrics["mase"] == pytest.approx(7.5 / 7)
    assert result.notes["origins"] == {"scored": 10, "zero_scale_left_out": 5}
    assert np.isnan(result.unit_scores["naive"][1])
    assert result.n == 140


def test_a_history_too_short_for_one_origin_says_so():
    with pytest.raises(HistoryTooShort, match="too short for a horizon of 14"):
        family.evaluate(frame(np.arange(15.0)), [NAIVE])


def test_short_series_are_counted_beside_long_ones():
    result = family.evaluate(pd.concat([frame(np.arange(100.0)), frame(np.arange(9.0), "b")]), [NAIVE])[0]
    assert result.notes["series"] == {"scored": 1, "too_short": 1, "without_values": 0}
    assert result.unit_ids.tolist() == ["a"]


def test_units_of_measure_are_not_added_up():
    both = pd.concat([frame(np.full(100, 1.0), unit="kg"), frame(np.full(100, 1e6), "b", unit="dozen")])
    result = family.evaluate(both, [NAIVE])[0]
    assert result.notes["wape_by_unit"] == {"kg": 0.0, "dozen": 0.0}


def test_intervals_are_calibrated_before_the_first_origin_alone():
    rng = np.random.default_rng(0)
    y = rng.normal(10, 1, 150)
    wild = y.copy()
    wild[80:] = rng.normal(10, 50, 70)  # the first origin is 150 − 70 = 80
    calm, shaken = (
        family.evaluate(
            frame(
                one,
            ),
            [NAIVE],
        )[0]
        for one in (y - 100, wild - 100)
    )
    first = calm.forecasts[0].forecast, shaken.forecasts[0].forecast
    np.testing.assert_array_equal(first[0].upper, first[1].upper)


def test_only_known_columns_are_seen_after_the_origin(panel_frame):
    """Guards P19."""
    part = panel_frame[panel_frame["series_id"] == "apples"].rename(columns={"known_promo": "promo"})
    protocol = {"horizon": 7, "origins": 1}
    recipe = family.default_recipe("prophet")
    blind = family.evaluate(part, recipe, protocol=protocol)[0]
    told = family.evaluate(part.rename(columns={"promo": "known_promo"}), recipe, protocol=protocol)[0]
    none = family.evaluate(part.drop(columns="promo"), recipe, protocol=protocol)[0]
    assert blind.metrics == none.metrics
    assert told.metrics["mase"] < blind.metrics["mase"]
    assert told.protocol["regressors"] == ["known_promo"]


def test_what_comes_after_an_origin_does_not_move_its_forecast(panel_frame):
    part = panel_frame[panel_frame["series_id"] == "apples"].reset_index(drop=True)
    later = part.copy()
    later.loc[91:, "y"] *= 100
    protocol, recipe = {"horizon": 7, "origins": 1}, family.default_recipe("prophet")
    one, other = (family.evaluate(data, recipe, protocol=protocol)[0] for data in (part, later))
    np.testing.assert_array_equal(one.forecasts[0].forecast.yhat, other.forecasts[0].forecast.yhat)


def test_equal_recipes_are_computed_once_and_answer_alike(panel_frame):
    one, two = family.evaluate(panel_frame, [SEASONAL, SEASONAL])
    assert one is two


def test_prophet_beats_the_seasonal_naive_forecast_where_promotions_are_known(panel_frame):
    told = []
    result = family.evaluate(
        panel_frame, family.default_recipe("prophet"), progress=lambda share, text: told.append(share)
    )[0]
    assert result.metrics["mase"] < 0.5 * result.baselines["seasonal_naive"]["mase"]
    assert result.gain_over("seasonal_naive").low > 0
    assert told == sorted(told) and told[-1] == 1.0
    figures = family.pictures(result, None)
    assert set(figures) == {"mase.png", "forecasts.png", "coverage.png"}


def test_the_journeys_demand_is_forecast_better_than_last_week(shared_data):
    data = family.read(shared_data / "demand" / "grocery_daily.csv")
    some = data[data["series_id"].isin(sorted(data["series_id"].unique())[::9])]
    result = family.evaluate(some, family.default_recipe("prophet"), protocol={"origins": 2})[0]
    assert result.gain_over("seasonal_naive").low > 0
    assert result.metrics["coverage@95"] == pytest.approx(0.95, abs=0.05)
