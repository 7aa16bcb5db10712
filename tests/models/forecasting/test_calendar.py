import numpy as np
import pytest

from models.errors import BadData, BadRequest
from models.forecasting.calendar import calendar, median_gap_days, named, written


@pytest.mark.parametrize(
    ("freq", "season", "horizon"), [("D", 7, 14), ("W-SUN", 52, 8), ("MS", 12, 6), ("h", 24, 24), ("Q", 4, 4)]
)
def test_the_season_and_horizon_follow_the_frequency(freq, season, horizon):
    found = named(freq)
    assert (found.season, found.horizon) == (season, horizon)


def test_the_frequency_is_the_median_gap_within_series():
    ids = np.array(["a", "a", "a", "a", "b", "b"])
    ds = np.array(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-20", "2020-01-01", "2020-01-02"], "datetime64[s]")
    assert median_gap_days(ids, ds) == 1.0


def test_single_rows_have_no_frequency():
    with pytest.raises(BadData, match="at least two rows of one series"):
        median_gap_days(np.array(["a", "b"]), np.array(["2024-01-01", "2024-01-02"], "datetime64[s]"))


def test_month_ends_stay_month_ends():
    dates = named("MS").after(np.datetime64("2024-01-31", "s"), np.datetime64("2023-11-30", "s"), 2)
    assert written(dates) == ["2024-02-29", "2024-03-31"]


def test_weeks_are_counted_to_the_nearest():
    anchor = np.datetime64("2024-01-07", "s")
    ds = np.array(["2024-01-07", "2024-01-15", "2024-01-27"], "datetime64[s]")
    assert calendar(7.0).positions(ds, anchor).tolist() == [0, 1, 3]


def test_hours_are_written_as_hours():
    assert written(named("h").after(np.datetime64("2024-01-01T22", "s"), np.datetime64("2024-01-01", "s"), 1)) == [
        "2024-01-01T23:00:00"
    ]


def test_an_unknown_frequency_names_its_remedy():
    with pytest.raises(BadRequest, match=r"freq: 'fortnight'.*give one of"):
        named("fortnight")
