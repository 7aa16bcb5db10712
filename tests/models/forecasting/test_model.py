import numpy as np
import pandas as pd
import pytest

from models.errors import BadRequest, CorruptArtifact, MissingRegressor
from models.forecasting.family import FAMILY as family

HISTORY = [float(5 + day % 7) for day in range(56)]


def ask(**fields) -> dict:
    return {"series_id": "apples", "periods": 3, "regressors": {"known_promo": [0, 1, 0]}, **fields}


def continued(**fields) -> dict:
    return {"historical_data": HISTORY, "start": "2024-01-01", "freq": "D", "periods": 3, **fields}


def test_the_first_answer_is_the_first_day_after_training(fitted):
    """Guards P20."""
    points = fitted.answer(ask())["points"]
    assert [point["ds"] for point in points] == ["2024-04-08", "2024-04-09", "2024-04-10"]


@pytest.mark.parametrize("periods", [1, 3, 365])
def test_there_is_one_answer_for_each_period(fitted, periods):
    """Guards P20."""
    answer = fitted.answer(ask(periods=periods, regressors={"known_promo": [0] * periods}))
    assert len(answer["points"]) == periods


def test_missing_future_conditions_are_an_error_that_names_them(fitted):
    """Guards P19."""
    with pytest.raises(
        MissingRegressor, match=r"known_promo missing.*give 3 future values, one a period, for known_promo"
    ):
        fitted.answer(ask(regressors={}))


def test_the_conditions_given_move_the_forecast(fitted):
    """Guards P19."""
    plain = fitted.answer(ask(regressors={"known_promo": [0, 0, 0]}))["points"]
    promoted = fitted.answer(ask(regressors={"known_promo": [0, 1, 0]}))["points"]
    assert promoted[1]["yhat"] > 1.3 * plain[1]["yhat"]
    assert promoted[0] == plain[0]


def test_a_higher_level_gives_a_wider_interval_around_the_same_forecast(fitted):
    """Guards P21."""
    answers = [fitted.answer(ask(confidence_level=level))["points"][0] for level in (0.5, 0.8, 0.95)]
    widths = [point["upper"] - point["lower"] for point in answers]
    assert widths[0] < widths[1] < widths[2]
    assert len({point["yhat"] for point in answers}) == 1
    assert all(point["lower"] <= point["yhat"] <= point["upper"] for point in answers)


def test_the_interval_grows_past_the_calibrated_horizon(fitted):
    points = fitted.answer(ask(periods=300, regressors={"known_promo": [0] * 300}))["points"]
    width = [point["upper"] - point["lower"] for point in points]
    assert np.mean(width[-7:]) > 1.5 * np.mean(width[7:14])


def test_given_numbers_are_continued_on_their_own_calendar(fitted):
    answer = fitted.answer(continued())
    assert [point["ds"] for point in answer["points"]] == ["2024-02-26", "2024-02-27", "2024-02-28"]
    assert [point["yhat"] for point in answer["points"]] == pytest.approx([5, 6, 7], abs=0.3)
    assert answer["algorithm"] == "prophet"


@pytest.mark.parametrize(("freq", "first"), [("W", "2025-01-27"), ("MS", "2028-09-01")])
def test_weeks_and_months_are_continued_too(fitted, freq, first):
    assert fitted.answer(continued(freq=freq))["points"][0]["ds"] == first


def test_too_many_numbers_are_answered_from_the_latest():
    days = pd.date_range("2024-01-01", periods=30)
    naive = family.fit(
        pd.DataFrame({"series_id": "a", "ds": days, "y": np.arange(30.0)}), family.default_recipe("naive")
    )
    answer = naive.answer(continued(historical_data=[1.0] * 9_000 + [2.0] * 1_000, start="1990-01-01"))
    assert answer["points"][0]["yhat"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ask(series_id="pears"), "series_id"),
        (ask(periods=0), "periods"),
        (ask(periods=366), "periods"),
        (ask(periods=True), "periods"),
        (ask(confidence_level=1.0), "confidence_level"),
        (ask(regressors={"known_promo": [1]}), "regressors"),
        (ask(regressors={"known_promo": [0, float("nan"), 0]}), "regressors.known_promo.1"),
        (ask(regressors={"known_promo": "no"}), "regressors.known_promo"),
        (ask(regressors={"known_promo": [0, 0, 0], "rain": [0, 0, 0]}), "regressors.rain"),
        (ask(historical_data=HISTORY), "historical_data"),
        (ask(colour="red"), "colour"),
        ({}, "historical_data"),
        (continued(start=None), "start"),
        (continued(freq="fortnight"), "freq"),
        (continued(historical_data=[1.0]), "historical_data"),
        (continued(historical_data=[None] * 20), "historical_data"),
        (continued(historical_data=[float("inf")] * 20), "historical_data.0"),
        (continued(historical_data="1,2"), "historical_data"),
        (continued(regressors={"known_promo": [0, 0, 0]}), "regressors"),
    ],
)
def test_a_bad_request_names_its_field_and_the_remedy(fitted, request_, field):
    with pytest.raises(BadRequest) as raised:
        fitted.answer(request_)
    assert raised.value.field == field and raised.value.remedy


def test_saving_twice_writes_the_same_bytes(fitted, tmp_path):
    fitted.save(tmp_path / "a")
    family.load(tmp_path / "a").save(tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        if path.suffix != ".npz":  # a zip carries the hour
            assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("name", ["model.json", "series.json", "intervals.npz", "forecasters.json"])
def test_a_damaged_or_missing_file_is_refused(fitted, tmp_path, name):
    fitted.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-40])
    with pytest.raises(CorruptArtifact):
        family.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(CorruptArtifact):
        family.load(tmp_path)


def test_one_row_a_series_beside_a_long_one_still_answers(panel_frame):
    one = pd.DataFrame({"series_id": ["new"], "ds": [pd.Timestamp("2024-04-07")], "y": [4.0]})
    data = pd.concat([panel_frame.drop(columns="known_promo"), one])
    model = family.fit(data, family.default_recipe("seasonal_naive"))
    assert model.answer({"series_id": "new", "periods": 1})["points"][0]["yhat"] == pytest.approx(4.0)


def test_values_that_are_missing_are_passed_over(panel_frame):
    gappy = panel_frame.copy()
    gappy.loc[::3, "y"] = np.nan
    gappy.loc[::4, "known_promo"] = np.nan
    model = family.fit(gappy, family.default_recipe("prophet"))
    assert all(np.isfinite(point["yhat"]) for point in model.answer(ask())["points"])


def test_a_constant_series_goes_on():
    days = pd.date_range("2024-01-01", periods=60)
    model = family.fit(pd.DataFrame({"series_id": "a", "ds": days, "y": 7.0}), family.default_recipe("prophet"))
    point = model.answer({"series_id": "a", "periods": 1})["points"][0]
    assert point["lower"] <= point["yhat"] == pytest.approx(7.0)


def test_there_are_golden_requests_of_series_and_of_a_history(fitted, panel_frame):
    assert len(family.golden(fitted, panel_frame)) == 5
