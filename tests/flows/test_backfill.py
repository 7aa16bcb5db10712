from datetime import date

import pytest

from flows.backfill import CannotBackfill, backfill

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 3)


def test_each_day_is_run_once_with_its_own_moment(tmp_path):
    asked = []
    rows = backfill(
        "train-recommender", lambda **given: asked.append(given["as_of"].day) or {}, FIRST, LAST, tmp_path / "l"
    )
    assert asked == [1, 2, 3]
    assert [row["ran"] for row in rows] == [True, True, True]


def test_a_backfill_that_broke_off_goes_on_where_it_stopped(tmp_path):
    asked = []

    def breaks_on_the_second(**given):
        asked.append(given["as_of"].day)
        if len(asked) == 2:
            raise RuntimeError("power cut")
        return {"day": given["as_of"].day}

    with pytest.raises(RuntimeError):
        backfill("train-recommender", breaks_on_the_second, FIRST, LAST, tmp_path / "l")
    rows = backfill("train-recommender", breaks_on_the_second, FIRST, LAST, tmp_path / "l")
    assert asked == [1, 2, 2, 3]
    assert [row["outcome"] for row in rows] == [{"day": 1}, {"day": 2}, {"day": 3}]


def test_drift_is_backfilled_week_by_week(tmp_path):
    asked = []
    backfill("drift", lambda **given: asked.append(given["since"].day) or {}, FIRST, date(2026, 3, 14), tmp_path / "l")
    assert asked == [1, 8]


def test_days_without_a_batch_are_predicted_day_by_day(tmp_path):
    asked = []
    backfill("predict", lambda **given: asked.append(given) or {}, FIRST, LAST, tmp_path / "l", {"model": "m"})
    assert [(given["as_of"].day, given["model"]) for given in asked] == [(1, "m"), (2, "m"), (3, "m")]


@pytest.mark.parametrize(
    ("flow", "first", "words"), [("package", FIRST, "cannot be backfilled"), ("drift", date(2027, 1, 1), "swap them")]
)
def test_a_backfill_that_makes_no_sense_is_refused_with_the_remedy(flow, first, words, tmp_path):
    with pytest.raises(CannotBackfill, match=words):
        backfill(flow, dict, first, LAST, tmp_path / "l")
