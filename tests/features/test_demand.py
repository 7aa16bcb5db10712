"""The forecaster's training set against the real engine: whole days, and corrections from when they were known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features import contracts, synthetic
from features.errors import ContractViolation, EmptyTrainingSet
from features.kinds import find
from features.snapshot import Snapshot
from features.synthetic import Harvest
from tests.fixtures import rows

demand = find("demand").open().snapshot

HARVEST = Harvest(series=2, days=40, start=datetime(2026, 1, 5, tzinfo=UTC))
ARRIVED = HARVEST.start + timedelta(days=41)
LATER = ARRIVED + timedelta(days=1)


def day(number: int) -> datetime:
    return HARVEST.start + timedelta(days=number)


@pytest.fixture
def store(empty_store):
    return empty_store


@pytest.fixture
def grown(store):
    table = synthetic.daily_demand(HARVEST)
    store.insert("daily_demand", rows.daily_demand(table, ARRIVED))
    return table


def one_day(moment: datetime, y: float | None, arrived: datetime, **other: object) -> pa.Table:
    named = {column: [value] for column, value in other.items()}
    table = {"series_id": ["series-0"], "ds": pa.array([moment], rows.MS), "y": pa.array([y], pa.float64()), **named}
    return rows.daily_demand(pa.table(table), arrived)


def units(store, storage, moment: datetime, known_at: datetime, as_of: datetime = LATER) -> list[float]:
    frame = demand(store, as_of, known_at, storage).frame()
    return frame.loc[(frame["series_id"] == "series-0") & (frame["ds"] == moment.replace(tzinfo=None)), "y"].tolist()


def test_the_rows_are_those_that_were_grown_with_each_regressor_in_a_column(store, storage, grown):
    frame = demand(store, LATER, LATER, storage).frame()
    wanted = grown.to_pandas()
    wanted["ds"] = wanted["ds"].dt.tz_localize(None).astype("datetime64[ns]")
    pd.testing.assert_frame_equal(frame, wanted)
    assert frame.columns.tolist()[3:] == ["department", "known_promo_share", "known_price_usd", "known_temperature_c"]
    assert contracts.check("demand", frame, now=LATER).passed


def test_a_day_is_in_once_it_is_over_and_not_before(store, storage, grown):
    assert demand(store, day(30), LATER, storage).frame()["ds"].max() == pd.Timestamp(2026, 2, 3)  # day 29
    still_day_30 = day(31) - timedelta(milliseconds=1)
    assert demand(store, still_day_30, LATER, storage).rows == demand(store, day(30), LATER, storage).rows
    assert demand(store, day(31), LATER, storage).rows == demand(store, day(30), LATER, storage).rows + HARVEST.series


def test_the_same_times_give_the_same_hash(store, storage, grown):
    first = demand(store, day(30), LATER, storage)
    assert demand(store, day(30), LATER, storage) == first == Snapshot.load(first.path)


def test_a_correction_counts_from_when_it_was_known_and_leaves_old_snapshots_alone(store, storage, grown):
    before = demand(store, LATER, ARRIVED, storage)
    store.insert("daily_demand", one_day(day(5), 999.0, LATER))
    assert units(store, storage, day(5), LATER) == [999.0]
    assert demand(store, LATER, ARRIVED, storage) == before
    assert demand(store, LATER, LATER, storage).rows == before.rows


def test_a_correction_to_nothing_takes_the_day_back(store, storage, grown):
    store.insert("daily_demand", one_day(day(5), None, LATER))
    assert units(store, storage, day(5), ARRIVED) != []
    assert units(store, storage, day(5), LATER) == []


def test_two_values_of_a_day_that_arrived_together_are_for_the_contract_to_refuse(store, storage, grown):
    store.insert("daily_demand", one_day(day(5), 999.0, ARRIVED))
    frame = demand(store, LATER, LATER, storage).frame()
    with pytest.raises(ContractViolation, match="has each day once per series") as stop:
        contracts.check("demand", frame, now=LATER).raise_for_failures()
    assert {row["ds"] for row in stop.value.failures[0].sample_rows} == {"2026-01-10T00:00:00"}


def test_series_without_a_regressor_or_department_have_no_such_column(store, storage):
    store.insert("daily_demand", one_day(day(0), 3.0, ARRIVED))
    assert demand(store, LATER, LATER, storage).frame().columns.tolist() == ["series_id", "ds", "y"]


def test_a_regressor_that_only_some_rows_have_is_missing_in_the_others(store, storage):
    store.insert("daily_demand", one_day(day(0), 3.0, ARRIVED))
    store.insert("daily_demand", one_day(day(1), 4.0, ARRIVED, known_rain_mm=12.5))
    frame = demand(store, LATER, LATER, storage).frame()
    np.testing.assert_array_equal(frame["known_rain_mm"], [np.nan, 12.5])


def test_a_regressor_named_like_a_column_does_not_replace_it(store, storage):
    wanted = one_day(day(0), 3.0, ARRIVED).drop_columns(["regressors"])
    maps = pa.array([[("y", 77.0), ("heat", 1.0)]], pa.map_(pa.string(), pa.float64()))
    store.insert("daily_demand", wanted.append_column("regressors", maps))
    frame = demand(store, LATER, LATER, storage).frame()
    assert frame.columns.tolist() == ["series_id", "ds", "y", "heat"] and frame["y"].tolist() == [3.0]


def test_nothing_known_yet_is_an_error_that_says_so(store, storage, grown):
    with pytest.raises(EmptyTrainingSet, match="no demand with event_time before"):
        demand(store, LATER, ARRIVED - timedelta(seconds=1), storage)
