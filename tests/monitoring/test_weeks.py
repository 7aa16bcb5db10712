import numpy as np
import pandas as pd
import pytest

from monitoring.errors import UnknownColumn
from monitoring.weeks import split_week, week_numbers


def hourly(start, hours):
    return pd.DataFrame({"event_time": pd.date_range(start, periods=hours, freq="h", tz="UTC")})


def test_a_day_cut_short_is_in_no_week():
    frame = hourly("2024-01-01", 21 * 24 + 4)
    reference, week = split_week(frame)
    assert week["event_time"].min() == pd.Timestamp("2024-01-15", tz="UTC")
    assert week["event_time"].max() == pd.Timestamp("2024-01-21 23:00", tz="UTC")
    assert len(reference) == 14 * 24


def test_the_week_before_the_last_has_the_rows_before_it_as_its_reference():
    reference, week = split_week(hourly("2024-01-01", 21 * 24), back=2)
    assert week["event_time"].min() == pd.Timestamp("2024-01-08", tz="UTC")
    assert reference["event_time"].max() < week["event_time"].min()


def test_a_daily_table_ends_with_its_last_day():
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=14)})
    assert split_week(frame, time="ds").week["ds"].tolist() == pd.date_range("2024-01-08", periods=7).tolist()


def test_weeks_are_counted_back_from_the_end():
    numbers = week_numbers(pd.Series(pd.date_range("2024-01-01", periods=16)))
    assert numbers.tolist() == [-1, -1] + [0] * 7 + [1] * 7


def test_times_that_are_not_known_are_in_no_week():
    times = pd.Series([pd.NaT, *pd.date_range("2024-01-01", periods=7)])
    assert week_numbers(times).tolist() == [-1] + [0] * 7


def test_local_times_count_as_utc_days():
    times = pd.Series(pd.date_range("2024-01-01", periods=7, tz="UTC")).dt.tz_convert("Asia/Kathmandu")
    assert (week_numbers(times) == 0).all()


def test_a_frame_without_times_is_told_what_it_has():
    with pytest.raises(UnknownColumn, match=r"wanted a column 'event_time'.*price"):
        split_week(pd.DataFrame({"price": np.arange(3)}))


def test_plain_numbers_are_seconds():
    seconds = pd.Series(range(1_700_000_000, 1_700_000_000 + 8 * 86_400, 3_600))
    assert week_numbers(seconds).max() == 0
