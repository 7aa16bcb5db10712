"""Rows that break a contract, out of the way and back, against the real engine: none is lost, and sums agree."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import broken_rows, contracts, quarantine
from features.errors import BadInput, ContractViolation, UnknownKind
from features.images import ImageStore
from features.kinds import find
from features.rules import Limits
from features.store import Store
from tests.fixtures import rows

interactions = find("interactions").open().snapshot

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = NOW - timedelta(days=10)
SMALL = Limits(min_rows=1, min_users=1, min_items=1, min_days=1, min_classes=1, min_images=1)

AGREE = (
    "SELECT count() AS n, sum(quantity) AS q, sumIf(quantity * price, event_type = 'purchase') r FROM product_events",
    "SELECT sum(events) AS n, sum(quantity) AS q, sum(revenue) AS r FROM daily_product_stats",
    """SELECT toDate(event_time, 'UTC') AS day, product_id AS p, event_type AS e, uniqExact(user_id) AS n
    FROM product_events GROUP BY ALL ORDER BY ALL""",
    """SELECT utc_day AS day, product_id AS p, event_type AS e, uniqMerge(users) AS n
    FROM product_users_utc_day GROUP BY ALL ORDER BY ALL""",
)


@pytest.fixture
def sold(store):
    """Eight events of which three break a rule, one of them two; all on days that also have sound ones."""
    events = pa.table(
        {
            "timestamp": pa.array([*[DAY + timedelta(hours=n) for n in range(7)], NOW + timedelta(days=900)], rows.MS),
            "user_id": [*"aabbccd", ""],
            "item_id": list("ijijijij"),
            "event_type": ["purchase", "purchased", *["purchase"] * 6],
            "quantity": [1.5] * 8,
            "price": [2.0, 2.0, 2.0, -3.0, 2.0, 2.0, 2.0, 2.0],
        }
    )
    store.insert("product_events", rows.product_events(events, NOW - timedelta(days=1)))
    return store


def stored(store):
    """Rows of the table; the views have to agree, with the sums and with the people."""
    base, summed, users, merged = (store.arrow(sql).to_pylist() for sql in AGREE)
    assert summed == base and users == merged
    return base[0]["n"]


def test_a_broken_contract_names_the_command_that_lets_training_go_on(sold, storage):
    with pytest.raises(ContractViolation) as stop:
        frame = interactions(sold, NOW, storage=storage).frame()
        contracts.check("interactions", frame, limits=SMALL).raise_for_failures()
    assert str(stop.value).endswith("`agro quarantine interactions`")
    quarantine.move(sold, "interactions", storage)
    frame = interactions(sold, NOW, storage=storage).frame()
    assert contracts.check("interactions", frame, limits=SMALL).passed
    with pytest.raises(ContractViolation) as stop:
        contracts.check("interactions", frame).raise_for_failures()
    assert "quarantine" not in str(stop.value)  # too few rows: moving some does not help


def test_rows_move_out_with_a_record_and_come_back_and_the_views_agree(sold, storage):
    assert stored(sold) == 8
    (record,) = quarantine.move(sold, "purchases", storage)
    assert (record.rows, record.state, stored(sold)) == (3, "moved", 5)
    assert {(row["column"], row["rows"]) for row in record.rules} == {
        ("timestamp", 1), ("user_id", 1), ("event_type", 1), ("price", 1),
    }  # fmt: skip
    assert pq.read_table(record.file).num_rows == 3
    assert json.loads((storage.quarantine / f"{record.id}.json").read_text()) == vars(record)
    assert quarantine.move(sold, "interactions", storage) == []
    (back,) = quarantine.put_back(sold, "interactions", storage, record.id)
    assert (back.state, stored(sold)) == ("back", 8)
    assert quarantine.put_back(sold, "interactions", storage) == []
    assert quarantine.move(sold, "interactions", storage)[0].rows == 3
    assert stored(sold) == 5


def test_what_would_move_is_told_without_moving_it(sold, storage):
    told = {broken.column: broken.said()["rows"] for broken in broken_rows.find(sold, "interactions", storage)}
    assert told == {"timestamp": 1, "user_id": 1, "event_type": 1, "price": 1}
    assert stored(sold) == 8 and quarantine.records(storage, "interactions") == []


@pytest.mark.parametrize(
    ("verb", "breaks_at"),
    [("delete", "product_events"), ("define", "DELETE FROM product_stats"), ("define", "INSERT INTO product_users")],
)
def test_a_move_that_is_broken_off_loses_nothing_and_is_gone_on_with(sold, storage, monkeypatch, verb, breaks_at):
    whole = getattr(Store, verb)

    def dies(self, said, *more):
        if breaks_at in said:
            raise KeyboardInterrupt
        return whole(self, said, *more)

    monkeypatch.setattr(Store, verb, dies)
    with pytest.raises(KeyboardInterrupt):
        quarantine.move(sold, "interactions", storage)
    monkeypatch.setattr(Store, verb, whole)
    (record,) = quarantine.move(sold, "interactions", storage)
    assert (record.rows, record.state, stored(sold)) == (3, "moved", 5)
    quarantine.put_back(sold, "interactions", storage)
    assert stored(sold) == 8


def test_events_that_were_deleted_can_be_loaded_again(store):
    """ClickHouse remembers a batch by its name; the same rows after a deletion are no repetition."""
    batch = rows.product_events(
        pa.table(
            {"timestamp": pa.array([DAY], rows.MS), "user_id": ["u"], "item_id": ["i"], "event_type": ["view"],
             "quantity": [1.0], "price": [1.0]}
        ), DAY,
    )  # fmt: skip
    store.insert("product_events", batch)
    store.delete("product_events", batch["event_id"].to_pylist())
    assert store.insert("product_events", batch).rows == 1
    assert store.command("SELECT count() FROM product_events") == 1


def demand(store, *days):
    table = pa.table(
        {
            "series_id": ["a"] * len(days),
            "ds": pa.array([day for day, _ in days], rows.MS),
            "y": pa.array([y for _, y in days], pa.float64()),
        }
    )
    store.insert("daily_demand", rows.daily_demand(table, NOW - timedelta(days=1)))


def test_days_below_nothing_or_told_twice_move_and_the_others_stay(store, storage):
    last = datetime(2026, 1, 1, tzinfo=UTC)
    demand(store, (last, 1.0), (last + timedelta(days=1), -5.0))
    demand(store, (last + timedelta(days=2), 1.0), (last + timedelta(days=2), 2.0), (last + timedelta(days=3), None))
    (record,) = quarantine.move(store, "demand", storage)
    assert record.rows == 3
    assert store.arrow("SELECT y FROM daily_demand ORDER BY ds")["y"].to_pylist() == [1.0, None]
    quarantine.put_back(store, "demand", storage)
    assert store.command("SELECT count() FROM daily_demand") == 5


def test_photographs_of_two_labels_and_those_whose_file_is_gone_move(store, storage):
    images = ImageStore(storage.images)
    one, two, gone = (images.put(bytes([n])) for n in range(3))
    images.path(gone).unlink()
    store.insert("leaf_images", rows.leaf_images({one: "bean__rust", two: "bean__rust", gone: "bean__rust"}, DAY, DAY))
    store.insert("leaf_images", rows.leaf_images({two: "corn__rust"}, DAY, DAY))
    (record,) = quarantine.move(store, "leaves", storage)
    assert record.rows == 3
    assert store.arrow("SELECT image_id FROM leaf_images")["image_id"].to_pylist() == [one]


def test_a_kind_without_contract_and_an_unknown_move_are_refused(store, storage):
    with pytest.raises(UnknownKind, match="kinds with one: interactions, demand, leaves"):
        quarantine.move(store, "items", storage)
    with pytest.raises(BadInput, match="no quarantine 'x' of demand"):
        quarantine.put_back(store, "demand", storage, "x")
