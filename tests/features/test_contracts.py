"""The contracts: what is let through, what is stopped, and what the stop says."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features import contracts, synthetic
from features.contracts import check
from features.errors import ContractViolation, UnknownKind
from features.rules import Limits
from features.synthetic import Harvest, Market

NOW = synthetic.START + timedelta(days=500)


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return synthetic.purchases(Market(users=20, purchases_per_user=10)).to_pandas()


@pytest.fixture(scope="module")
def harvest() -> pd.DataFrame:
    frame = synthetic.daily_demand(Harvest(series=2, days=60)).to_pandas()
    return frame.assign(ds=frame["ds"].dt.tz_localize(None).astype("datetime64[ns]"))


@pytest.fixture()
def leaves(tmp_path: Path) -> pd.DataFrame:
    rows = [(f"{label}-{number}", label) for label in ("bean__rust", "corn__healthy") for number in range(10)]
    frame = pd.DataFrame(rows, columns=["image_id", "label"])
    frame["path"] = [str(tmp_path / image_id) for image_id in frame["image_id"]]
    for path in frame["path"]:
        Path(path).touch()
    return frame.assign(split=["train"] * 16 + ["held_out"] * 4)


def broken(kind: str, frame: pd.DataFrame, **options: object) -> dict[str, contracts.RuleResult]:
    """The broken rules, by column."""
    found = check(kind, frame, now=NOW, **options).rules
    return {result.column: result for result in found if not result.passed}


def with_value(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    frame = frame.copy()
    frame.loc[row, column] = value
    return frame


def test_sound_interactions_pass_and_the_result_says_how_many_rows_were_checked(market):
    result = check("interactions", market, now=NOW)
    assert result.passed and result.checked_rows == 200
    assert result.raise_for_failures() is result


def test_a_violation_names_rule_column_count_and_the_rows_with_their_ids(market):
    bad = with_value(market, 7, "quantity", -2.0)
    with pytest.raises(ContractViolation, match=r"quantity: is from 0 to 1,000,000 \(1 rows") as stop:
        check("interactions", bad, now=NOW).raise_for_failures()
    (failure,) = stop.value.failures
    assert (failure.column, failure.n_failed) == ("quantity", 1)
    assert failure.sample_rows[0]["row"] == 7
    assert failure.sample_rows[0]["user_id"] == market.loc[7, "user_id"]
    assert market.loc[7, "item_id"] in str(stop.value)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("user_id", None),
        ("item_id", None),
        ("timestamp", pd.NaT),
        ("timestamp", pd.Timestamp(NOW + timedelta(days=1))),
        ("timestamp", pd.Timestamp("1969-12-31", tz="UTC")),
        ("event_type", "teleport"),
        ("quantity", -1.0),
        ("quantity", 1e9),
        ("quantity", np.nan),
        ("price", -0.01),
        ("price", np.inf),
    ],
)
def test_one_bad_value_among_interactions_is_found(market, column, value):
    found = broken("interactions", with_value(market, 3, column, value))
    assert list(found) == [column]
    assert found[column].n_failed == 1 and found[column].sample_rows[0]["row"] == 3


@pytest.mark.parametrize(("column", "value"), [("price", np.nan), ("price", 0.0), ("quantity", 0.0)])
def test_an_unknown_price_a_gift_and_a_voided_line_are_allowed(market, column, value):
    assert not broken("interactions", with_value(market, 3, column, value))


def test_the_row_number_in_a_sample_is_its_position_whatever_the_index(market):
    bad = with_value(market, 5, "price", -1.0).sort_index(ascending=False)
    row = broken("interactions", bad)["price"].sample_rows[0]["row"]
    assert bad.iloc[row]["price"] == -1.0


def test_a_missing_column_is_named_with_the_columns_that_are_there(market):
    found = broken("interactions", market.drop(columns="price"))["price"]
    assert found.rule == "is a column" and "quantity" in found.detail


def test_text_where_a_number_belongs_is_a_broken_rule_and_not_a_crash(market):
    assert "price" in broken("interactions", market.assign(price="two"))


def test_too_few_rows_users_or_items_are_counted(market):
    found = broken("interactions", market, limits=Limits(min_rows=201, min_users=21, min_items=1000))
    assert {"table", "user_id", "item_id"} == set(found)
    assert found["table"].detail == "found 200" and found["user_id"].detail == "found 20"


def test_no_rows_at_all_break_the_contract(market):
    assert "table" in broken("interactions", market.iloc[:0])


def test_the_frame_that_was_checked_is_left_alone(leaves):
    before = leaves.copy(deep=True)
    check("leaves", leaves, now=NOW)
    pd.testing.assert_frame_equal(leaves, before)


def test_the_result_is_plain_json_even_with_infinity_in_a_sample(market):
    document = check("interactions", with_value(market, 3, "price", np.inf), now=NOW).to_json()
    (stopped,) = [rule for rule in document["rules"] if not rule["passed"]]
    assert "Infinity" not in json.dumps(document)
    assert stopped["sample_rows"][0]["price"] == "inf"


def test_sound_demand_passes(harvest):
    assert check("demand", harvest, now=NOW).passed


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("series_id", None),
        ("y", -1.0),
        ("y", np.nan),
        ("y", np.inf),
        ("known_promo_share", 1.2),
        ("known_price_usd", 0.0),
        ("known_price_usd", np.inf),
        ("ds", pd.Timestamp(NOW.replace(tzinfo=None) + timedelta(days=2))),
    ],
)
def test_one_bad_value_of_demand_is_found(harvest, column, value):
    found = broken("demand", with_value(harvest, 9, column, value))
    assert list(found) == [column] and found[column].sample_rows[0]["row"] == 9


def test_a_day_that_a_series_has_twice_is_found_with_both_rows(harvest):
    found = broken("demand", pd.concat([harvest, harvest.iloc[[4]]]))["ds"]
    assert found.rule == "has each day once per series"
    assert found.n_failed == 2
    assert [row["row"] for row in found.sample_rows] == [4, 120]


def test_the_same_day_in_two_series_is_no_duplicate(harvest):
    assert harvest["ds"].duplicated().any() and check("demand", harvest, now=NOW).passed


def test_demand_without_regressors_passes(harvest):
    assert check("demand", harvest[["series_id", "ds", "y"]], now=NOW).passed


def test_too_few_days_of_demand_are_refused(harvest):
    found = broken("demand", harvest[harvest["ds"] < harvest["ds"].min() + pd.Timedelta(days=27)])
    assert found["ds"].detail == "found 27"


def test_sound_leaves_pass(leaves):
    assert check("leaves", leaves, now=NOW).passed


@pytest.mark.parametrize("label", ["bean", "bean_rust", "__rust", "bean__", None])
def test_a_label_that_is_not_crop_and_condition_is_found(leaves, label):
    found = broken("leaves", with_value(leaves, 2, "label", label), limits=Limits(min_images=5))
    assert list(found) == ["label"] and found["label"].sample_rows[0]["row"] == 2


def test_an_image_whose_file_is_gone_is_found(leaves):
    Path(leaves.loc[6, "path"]).unlink()
    found = broken("leaves", leaves)["path"]
    assert found.rule == "is a file that exists" and found.sample_rows[0]["image_id"] == leaves.loc[6, "image_id"]


def test_one_image_under_two_labels_is_found(leaves):
    twice = leaves.iloc[[0]].assign(label="corn__healthy")
    found = broken("leaves", pd.concat([leaves, twice]))["image_id"]
    assert {row["label"] for row in found.sample_rows} == {"bean__rust", "corn__healthy"}


def test_one_label_with_enough_images_is_too_few(leaves):
    found = broken("leaves", leaves.iloc[:19])["label"]
    assert found.rule == "has at least 2 labels with at least 10 images" and found.detail == "found 1"


def test_a_kind_without_a_contract_is_refused_with_those_that_have_one():
    with pytest.raises(UnknownKind, match=r"'sales'.*interactions, demand, leaves"):
        check("sales", pd.DataFrame())


def test_one_bad_row_among_very_many_is_found(market):
    many = pd.concat([market] * 700, ignore_index=True)
    many.loc[123_456, "price"] = -1.0
    result = check("interactions", many, now=NOW)
    assert [failure.sample_rows[0]["row"] for failure in result.failures] == [123_456]


def test_importing_the_contracts_does_not_import_great_expectations():
    code = "import sys, features.contracts; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_events_from_a_clock_a_little_ahead_of_ours_are_not_from_the_future(market):
    now = datetime(2027, 1, 1, tzinfo=UTC)
    ahead = with_value(market, 3, "timestamp", pd.Timestamp(now + timedelta(seconds=60)))
    assert check("interactions", ahead, now=now).passed
