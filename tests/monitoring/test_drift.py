import json

import numpy as np
import pandas as pd
import pytest

from monitoring.drift import assess
from monitoring.errors import EmptyReference, UnknownColumn
from monitoring.settings import DriftSettings
from tests.monitoring.conftest import weeks_of_rows

SETTINGS = DriftSettings()


def test_a_quiet_week_is_quiet_and_says_why(quiet):
    assert quiet.verdict == "quiet" and quiet.reasons == [] and quiet.alarms == []
    assert quiet.headline == "Quiet week: none of 3 columns moved more than weeks do."
    assert quiet.n_weeks == 30


@pytest.mark.parametrize("column", ["price", "quantity"])
@pytest.mark.parametrize("sigmas", [1.0, -1.0])
def test_a_shift_of_one_sigma_alarms_on_that_column_and_no_other(market, column, sigmas):
    reference, week = market
    moved = week.assign(**{column: week[column] + sigmas * reference[column].std()})
    assert assess(reference, moved, SETTINGS).alarms == [column]


def test_a_doubled_price_alarms(market):
    reference, week = market
    result = assess(reference, week.assign(price=2 * week["price"]), SETTINGS)
    assert result.alarms == ["price"]
    assert result.reasons[0].startswith("price moved up by ")


def test_a_shift_that_weeks_make_by_themselves_does_not_alarm():
    reference, week = weeks_of_rows(31, 600, seed=5, restless=1.0)
    moved = week.assign(price=reference["price"].mean() + 2.0 + week["price"] - week["price"].mean())
    assert assess(reference, moved, SETTINGS, ["price"]).alarms == []


def test_quiet_weeks_alarm_no_more_often_than_stated():
    """The limits are set for one false alarm in ten weeks here, so that 120 weeks can show it."""
    settings = DriftSettings(false_alarms_per_week=0.1, smallest_psi=0.001, smallest_shift_sigmas=0.001)
    alarms = 0
    for seed in range(120):
        alarms += assess(*weeks_of_rows(25, 200, seed=1000 + seed, restless=0.3), settings).alarm
    assert alarms <= 21  # 12 are to be expected at most; more than 21 has a chance of 0.3 %


def test_missing_values_are_a_reason_of_their_own(market):
    reference, week = market
    week = week.assign(price=week["price"].mask(np.arange(len(week)) % 5 == 0))
    result = assess(reference, week, SETTINGS)
    assert result.reasons == ["price lacks 20.0% of its values; the share may change by 2.0%"]


def test_a_column_that_is_absent_has_no_values_at_all(market):
    reference, week = market
    assert assess(reference, week.drop(columns="price"), SETTINGS).reasons == ["price has no values at all"]


def test_numbers_that_arrive_as_words_are_missing(market):
    reference, week = market
    assert assess(reference, week.assign(price="n/a"), SETTINGS).reasons == ["price has no values at all"]


def test_a_category_never_seen_before_is_named(market):
    reference, week = market
    week = week.assign(shop=week["shop"].mask(np.arange(len(week)) % 25 == 0, "kiosk"))
    result = assess(reference, week, SETTINGS)
    assert result.reasons == ["shop has 4.0% of its rows in categories never seen before: kiosk"]


def test_a_mix_that_tips_names_the_category_that_moved_most(market):
    reference, week = market
    result = assess(reference, week.assign(shop=np.where(np.arange(len(week)) % 2, "d", week["shop"])), SETTINGS)
    assert result.alarms == ["shop"]
    assert result.reasons[0].startswith("the mix of shop changed: d went from ")


def test_too_few_rows_alarm_without_blaming_a_column(market):
    reference, week = market
    result = assess(reference, week.iloc[::6], SETTINGS)
    assert result.alarms == [] and result.verdict == "alarm"
    assert result.reasons == ["only 100 rows came in 7 days, where about 600 are usual"]


def test_fewer_days_are_expected_to_have_fewer_rows(market):
    reference, week = market
    assert assess(reference, week.iloc[:200], SETTINGS, ["quantity"], days=7 / 3).verdict == "quiet"


def test_no_rows_at_all_are_an_alarm_and_no_crash(market):
    reference, week = market
    result = assess(reference, week.iloc[:0], SETTINGS)
    assert result.reasons == ["no rows came at all"]


def test_a_small_sample_may_stray_further_by_chance(market):
    reference, week = market
    limits = [
        assess(reference, week.iloc[:n], SETTINGS, ["quantity"]).columns[0].scores["wasserstein"].limit
        for n in (600, 60)
    ]
    assert limits[1] > 2 * limits[0]


def test_without_weeks_only_a_large_change_alarms():
    """A small set of leaves has no weeks: chance and the larger floors decide."""
    rng = np.random.default_rng(0)
    reference = pd.DataFrame({"brightness": rng.normal(size=300), "label": rng.choice(list("abc"), size=300)})
    week = pd.DataFrame({"brightness": rng.normal(size=60), "label": rng.choice(list("abc"), size=60)})
    assert assess(reference, week, SETTINGS).verdict == "quiet"
    assert assess(reference, week.assign(brightness=week["brightness"] + 1.2), SETTINGS).alarms == ["brightness"]
    assert assess(reference, week.assign(label="a"), SETTINGS).alarms == ["label"]


def test_a_holiday_that_shuts_shops_for_a_day_is_not_drift():
    days = pd.date_range("2024-01-01", periods=25 * 7, tz="UTC").repeat(40)
    frame = pd.DataFrame({"event_time": days, "day_of_week": days.dayofweek})
    reference, week = frame[: 24 * 280], frame[24 * 280 :]
    assert assess(reference, week[week["day_of_week"] != 0], SETTINGS).verdict == "quiet"
    assert assess(reference, week.assign(day_of_week=week["day_of_week"] + 2), SETTINGS).alarms == ["day_of_week"]


def test_ids_and_times_are_left_out_unless_asked_for(market):
    reference, week = market
    with_ids = [frame.assign(user_id="u1", when=frame["event_time"]) for frame in (reference, week)]
    assert [c.column for c in assess(*with_ids, SETTINGS).columns] == ["price", "quantity", "shop"]


def test_the_frames_are_left_alone(market):
    reference, week = market
    copies = reference.copy(), week.copy()
    assess(reference, week, SETTINGS)
    pd.testing.assert_frame_equal(reference, copies[0])
    pd.testing.assert_frame_equal(week, copies[1])


def test_the_same_question_gets_the_same_answer(market, quiet):
    assert assess(*market, SETTINGS).to_json() | {"seconds": 0} == quiet.to_json() | {"seconds": 0}


def test_every_type_of_column_can_be_judged_and_told_as_json(market):
    typed = [
        pd.DataFrame(
            {
                "event_time": frame["event_time"],
                "category": frame["shop"].astype("category"),
                "flag": frame["quantity"] > 3,
                "nullable": frame["quantity"].astype("Int64").mask(frame["quantity"] == 0),
                "text": frame["shop"].astype("string"),
                "empty": np.nan,
            }
        )
        for frame in market
    ]
    told = json.loads(json.dumps(assess(*typed, SETTINGS).to_json(), allow_nan=False))
    assert [c["kind"] for c in told["columns"]] == ["category", "number", "number", "category", "number"]
    assert told["verdict"] == "quiet"


def test_an_empty_reference_is_refused():
    with pytest.raises(EmptyReference, match="no rows"):
        assess(pd.DataFrame({"price": []}), pd.DataFrame({"price": [1.0]}), SETTINGS)


def test_an_unknown_column_is_refused_with_the_known_ones(market):
    with pytest.raises(UnknownColumn, match="no column prize; it has event_time, price, quantity, shop"):
        assess(*market, SETTINGS, ["prize"])
