"""The recommender's training set against the real engine: as of a time, as known at a time."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from features import contracts, synthetic
from features.errors import ContractViolation, EmptyTrainingSet
from features.ingest import ingest
from features.kinds import find
from features.rules import Limits
from features.snapshot import Snapshot
from features.synthetic import Market
from tests.fixtures import rows

interactions = find("interactions").open().snapshot
catalogue = find("catalogue").open().snapshot

MARKET = Market(users=12, purchases_per_user=10, days=100, start=datetime(2026, 1, 5, tzinfo=UTC))
AS_OF = MARKET.start + timedelta(days=60)
ARRIVED = MARKET.start + timedelta(days=101)
LATER = ARRIVED + timedelta(days=1)


@pytest.fixture
def store(empty_store):
    return empty_store


@pytest.fixture
def sold(store):
    """A store with a small market in it, and its rows."""
    table = synthetic.purchases(MARKET)
    store.insert("product_events", rows.product_events(table, ARRIVED))
    return table


def one_event(moment: datetime, arrived: datetime, **other: object) -> pa.Table:
    row = {"user_id": "late", "item_id": "i001", "event_type": "purchase", "quantity": 1.0, "price": 2.0} | other
    table = pa.table({"timestamp": pa.array([moment], rows.MS), **{name: [value] for name, value in row.items()}})
    return rows.product_events(table, arrived)


def test_only_what_happened_before_as_of_is_in_to_the_millisecond(store, storage):
    for offset_ms in (-1, 0, 1):
        event = one_event(AS_OF + timedelta(milliseconds=offset_ms), ARRIVED, user_id=f"{offset_ms}ms")
        store.insert("product_events", event)
    assert interactions(store, AS_OF, LATER, storage).frame()["user_id"].tolist() == ["-1ms"]


def test_a_row_is_known_from_the_millisecond_it_arrived(store, storage):
    store.insert("product_events", one_event(AS_OF - timedelta(days=1), ARRIVED))
    assert interactions(store, AS_OF, ARRIVED, storage).rows == 1
    with pytest.raises(EmptyTrainingSet, match=r"no interactions .* were known by .* `agro ingest`"):
        interactions(store, AS_OF, ARRIVED - timedelta(milliseconds=1), storage)


def test_the_rows_are_those_that_were_bought(store, storage, sold):
    frame = interactions(store, AS_OF, LATER, storage).frame()
    wanted = sold.to_pandas()
    wanted = wanted[wanted["timestamp"] < AS_OF].sort_values(["timestamp", "user_id", "item_id"], ignore_index=True)
    pd.testing.assert_frame_equal(frame.drop(columns="rating"), wanted)
    assert frame["rating"].isna().all()


def test_the_columns_have_the_types_that_a_model_expects(store, storage, sold):
    types = interactions(store, AS_OF, LATER, storage).frame().dtypes.astype(str).to_dict()
    assert types == {
        "user_id": "object",
        "item_id": "object",
        "timestamp": "datetime64[ms, UTC]",
        "event_type": "object",
        "quantity": "float64",
        "price": "float64",
        "rating": "float64",
    }


def test_the_same_times_give_the_same_hash_and_the_same_file(store, storage, sold):
    first, again = interactions(store, AS_OF, LATER, storage), interactions(store, AS_OF, LATER, storage)
    assert first == again
    assert len(list(storage.snapshots.iterdir())) == 2


def test_the_hash_does_not_depend_on_how_the_events_were_inserted(store, storage, sold):
    whole = interactions(store, AS_OF, LATER, storage)
    store.command("TRUNCATE TABLE product_events")
    events = rows.product_events(sold, ARRIVED)
    for start in range(events.num_rows - 30, -30, -30):
        store.insert("product_events", events.slice(max(start, 0), 30 + min(start, 0)))
    assert interactions(store, AS_OF, LATER, storage).content_hash == whole.content_hash


def test_late_rows_do_not_change_an_old_snapshot(store, storage, sold):
    before = interactions(store, AS_OF, ARRIVED, storage)
    store.insert("product_events", one_event(AS_OF - timedelta(days=3), LATER))
    assert interactions(store, AS_OF, ARRIVED, storage) == before
    assert Snapshot.load(before.path) == before
    told_later = interactions(store, AS_OF, LATER, storage)
    assert told_later.rows == before.rows + 1 and told_later.content_hash != before.content_hash


def test_a_snapshot_outlives_the_rows_it_was_taken_from(store, storage, sold):
    before = interactions(store, AS_OF, LATER, storage)
    store.command("TRUNCATE TABLE product_events")
    assert Snapshot.load(before.path).frame().equals(before.frame())


def test_lineage_says_how_to_ask_again(store, storage, sold):
    said = interactions(store, AS_OF, LATER, storage).lineage()
    again = store.arrow(said["query"], said["params"])
    assert again.num_rows == said["rows"]
    assert "'UTC'" in said["query"] and str(AS_OF.year) not in said["query"]


def test_a_price_that_is_unknown_stays_unknown(store, storage):
    event = one_event(AS_OF - timedelta(days=1), ARRIVED)
    index = event.column_names.index("price")
    store.insert("product_events", event.set_column(index, "price", pa.nulls(1, pa.float64())))
    assert interactions(store, AS_OF, LATER, storage).frame()["price"].isna().all()


def test_a_rating_comes_from_the_file_to_the_model_by_way_of_the_training_set(store, storage, tmp_path):
    path = tmp_path / "rated.csv"
    path.write_text("user_id,item_id,timestamp,event_type,rating\nu,i,2026-01-06,rating,4.5\nu,j,2026-01-07,view,\n")
    assert ingest(store, "events", path, storage).inserted == 2
    snapshot = interactions(store, AS_OF, storage=storage)
    assert snapshot.frame()["rating"].tolist()[0] == 4.5 and snapshot.frame()["rating"].isna().tolist() == [False, True]
    assert contracts.check("interactions", snapshot.frame(), limits=Limits(min_rows=1, min_users=1, min_items=1)).passed
    assert Snapshot.load(snapshot.path) == snapshot


def test_an_event_from_the_future_stops_at_the_contract_with_its_ids(store, storage, sold):
    store.insert("product_events", one_event(LATER + timedelta(days=30), ARRIVED))
    frame = interactions(store, LATER + timedelta(days=60), LATER, storage).frame()
    with pytest.raises(ContractViolation, match="timestamp: is not in the future") as stop:
        contracts.check("interactions", frame, now=LATER).raise_for_failures()
    assert [row["user_id"] for row in stop.value.failures[0].sample_rows] == ["late"]


def test_the_catalogue_has_of_each_item_the_newest_description_that_was_known(store, storage):
    described = synthetic.items(MARKET)
    store.command("SYSTEM STOP MERGES items")  # a merge drops what was replaced
    store.insert("items", rows.items(described, ARRIVED))
    renamed = described.slice(0, 1).set_column(6, "title", pa.array(["Renamed"]))
    store.insert("items", rows.items(renamed, LATER))
    frame = catalogue(store, AS_OF, LATER, storage).frame()
    names = ["item_id", "department", "category", "type", "brand", "package_size", "title"]
    assert frame.columns.tolist() == [*names, "price", "seller", "season", "stock"]
    assert len(frame) == described.num_rows and frame["item_id"].is_monotonic_increasing
    assert frame["title"].tolist()[:2] == ["Renamed", described["title"][1].as_py()]
    assert catalogue(store, AS_OF, ARRIVED, storage).frame()["title"][0] == described["title"][0].as_py()
    store.command("SYSTEM START MERGES items")


def test_a_catalogue_that_nobody_changed_has_the_same_hash_and_reads_back(store, storage):
    store.insert("items", rows.items(synthetic.items(MARKET), ARRIVED))
    first, again = catalogue(store, AS_OF, ARRIVED, storage), catalogue(store, LATER, LATER, storage)
    assert first.content_hash == again.content_hash
    assert Snapshot.load(first.path) == first


def test_an_empty_catalogue_is_kept_as_a_snapshot_without_rows(store, storage):
    empty = catalogue(store, AS_OF, LATER, storage)
    assert empty.rows == 0
    assert Snapshot.load(empty.path).frame().empty
