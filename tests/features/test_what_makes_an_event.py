"""The same row is the same event, whatever settings fill in, whichever columns a file has, whoever loaded it first."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features import migration
from features.ingest import ingest, ingest_table
from features.settings import RetentionSettings
from features.sql import migrations
from features.store import Store
from tests.fixtures.rows import MS

SECONDS = int((datetime.now(UTC) - timedelta(days=9)).timestamp())
OLD = """user_id,item_id,timestamp,event_type,quantity,price,rating,currency
ada,apple,2024-05-01T08:00:00Z,purchase,2,1.5,,
ada,apple,2024-05-01T08:00:00Z,purchase,2,1.5,,
bob,pear,2024-05-02T09:30:00Z,view,,,,
cai,fig,2024-05-03T10:00:00Z,rating,,,4.5,
dan,fig,2024-05-04T10:00:00Z,purchase,1,3,,NPR
"""
OLD_IDS = [
    "9a0adebeded300337f4351295171f690",
    "5cba4650a3cc088970a0d2a7d18fe3a9",
    "02d46328535f4c18d2d0a7934464bccd",
    "e2d49a65af229bde537a85c43c0d7685",
    "5d4ed386649f4bfd7530e1d30028ae79",
]
"""What the version before made of these rows."""


def load(store, storage, path, text, kind="purchases"):
    path.write_text(text)
    done = ingest(store, kind, path, storage)
    return done.inserted, done.duplicates


def test_a_row_loaded_under_another_currency_of_the_settings_is_a_duplicate(store, storage, tmp_path, monkeypatch):
    row = f"user_id,item_id,timestamp,price\nu,i,{SECONDS},2\n"
    assert load(store, storage, tmp_path / "a.csv", row) == (1, 0)
    monkeypatch.setenv("AGRO_INGEST_CURRENCY", "NPR")
    assert load(store, storage, tmp_path / "a.csv", row) == (0, 1)
    assert store.arrow("SELECT currency FROM product_events")["currency"].to_pylist() == ["USD"]
    said = f"user_id,item_id,timestamp,price,currency\nu,i,{SECONDS},2,USD\n"
    assert load(store, storage, tmp_path / "a.csv", said) == (1, 0)  # these are other words


def test_an_item_loaded_under_another_currency_is_a_duplicate_until_it_says_something_new(
    store, storage, tmp_path, monkeypatch
):
    path = tmp_path / "items.csv"
    assert load(store, storage, path, "item_id,price\n1,2\n2,\n", "items") == (2, 0)
    monkeypatch.setenv("AGRO_INGEST_CURRENCY", "NPR")
    assert load(store, storage, path, "item_id,price\n1,2\n2,\n", "items") == (0, 2)
    assert load(store, storage, path, "item_id,price\n1,300\n2,\n", "items") == (1, 1)
    assert load(store, storage, path, "item_id,price,currency\n1,300,USD\n", "items") == (1, 0)
    told = store.arrow("SELECT price, currency FROM items ORDER BY item_id, ingested_at").to_pylist()
    assert [tuple(row.values()) for row in told] == [(2, "USD"), (300, "NPR"), (300, "USD"), (None, "")]


def test_a_column_that_is_empty_or_says_what_is_usual_makes_no_other_event(store, storage, tmp_path):
    few = f"user_id,item_id,timestamp\nu,i,{SECONDS}\n"
    more = f"timestamp,user_id,item_id,rating,order_id,event_type,quantity,weather\n{SECONDS},u,i,,,purchase,1,fine\n"
    assert load(store, storage, tmp_path / "a.csv", few) == (1, 0)
    assert load(store, storage, tmp_path / "b.csv", more) == (0, 1)
    assert load(store, storage, tmp_path / "i.csv", "item_id,title\n1,Fig\n", "items") == (1, 0)
    assert load(store, storage, tmp_path / "i.csv", "item_id,title,stock,brand\n1,Fig,,\n", "items") == (0, 1)


@pytest.fixture
def of_the_version_before(clickhouse_settings, monkeypatch):
    """A store of eight migrations with rows under the ids of then, migrated to now."""
    monkeypatch.setenv("AGRO_RETENTION_PRODUCT_EVENTS_DAYS", "0")
    with Store.connect(clickhouse_settings) as store:
        with monkeypatch.context() as patch:
            patch.setattr(migration, "migrations", lambda: migrations()[:8])
            store.migrate(RetentionSettings())
        fields = [line.split(",") for line in OLD.splitlines()[1:]]
        times = pa.array([datetime.fromisoformat(row[2]) for row in fields], MS)
        texts = {name: [row[n] for row in fields] for n, name in enumerate(("user_id", "product_id"))}
        store.send("product_events", pa.table({"event_id": OLD_IDS, "event_time": times, **texts}))
        store.migrate(RetentionSettings())
        yield store


def test_rows_that_the_version_before_loaded_are_known_by_their_ids_of_then(of_the_version_before, storage, tmp_path):
    """Guards P42."""
    path = tmp_path / "a.csv"
    assert load(of_the_version_before, storage, path, OLD) == (0, 5)
    new = OLD + "eve,fig,2024-05-05T10:00:00Z,purchase,1,3,,\n"
    assert load(of_the_version_before, storage, path, new) == (1, 5)
    assert load(of_the_version_before, storage, path, new) == (0, 6)
    monday = pa.table({"user_id": ["eve"], "item_id": ["fig"], "timestamp": ["2024-05-06"], "event_id": [OLD_IDS[0]]})
    assert ingest_table(of_the_version_before, "purchases", monday, storage).duplicates == 1


def test_a_store_without_rows_of_the_version_before_is_not_asked_for_its_ids(store, storage, tmp_path, monkeypatch):
    row = f"user_id,item_id,timestamp\nu,i,{SECONDS}\n"
    asked, known = [], Store.known
    monkeypatch.setattr(Store, "known", lambda self, *of: asked.append(of) or known(self, *of))
    assert load(store, storage, tmp_path / "a.csv", row) == (1, 0)
    assert load(store, storage, tmp_path / "a.csv", row) == (0, 1)
    assert len(asked) == 2
