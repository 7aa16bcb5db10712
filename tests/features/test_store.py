"""The store against the real engine: each event once, whatever is sent again (P42)."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from features import migration
from features.errors import DiskFull, SchemaBehind, StoreRefused, StoreUnreachable, WouldDelete
from features.settings import ClickHouseSettings, RetentionSettings
from features.sql import migrations, query
from features.store import Inserted, Store
from flows import ports
from tests.ports import free_port

NOW = datetime.now(UTC).replace(microsecond=0)


def events(*ids, event_type="purchase", price=2.0, currency="USD", moment=NOW):
    n = len(ids)
    return pa.table(
        {
            "event_id": list(ids),
            "event_time": pa.array([moment] * n, pa.timestamp("ms", "UTC")),
            "user_id": ["u"] * n,
            "product_id": ["p"] * n,
            "event_type": [event_type] * n,
            "quantity": [3.0] * n,
            "price": [price] * n,
            "currency": [currency] * n,
        }
    )


def totals(store):
    base = store.arrow("SELECT count() AS n, sum(quantity * coalesce(price, 0)) AS s FROM product_events").to_pylist()[
        0
    ]
    view = store.arrow("SELECT sum(events) AS n, sum(revenue) AS s FROM daily_product_stats").to_pylist()[0]
    assert base == view
    return int(base["n"])


def test_a_batch_sent_again_adds_nothing_to_table_or_view(store):
    """Guards P42."""
    batch = events("a", "b", "c")
    assert store.insert("product_events", batch) == Inserted(3, 0)
    assert store.insert("product_events", batch) == Inserted(0, 3)
    assert totals(store) == 3


def test_batches_that_are_cut_otherwise_or_overlap_add_each_event_once(store):
    """Guards P42."""
    assert store.insert("product_events", events("a", "b", "c")) == Inserted(3, 0)
    assert store.insert("product_events", events("c", "d")) == Inserted(1, 1)
    assert store.insert("product_events", events("e", "a", "e")) == Inserted(1, 2)
    assert totals(store) == 5


def test_a_statement_that_is_repeated_adds_nothing_to_table_or_view(store):
    """Guards P42: the windows on the base table and on the target of the view."""
    for _ in range(2):
        store.send("product_events", events("a", "b"), token="same")
    assert totals(store) == 2


MANY = """
INSERT INTO product_events (event_id, event_time, user_id, product_id)
SELECT leftPad(hex(number), 8, '0'), now64(3) - number, 'u', toString(number % 997) FROM numbers(200000)
"""


def test_what_a_table_has_is_asked_of_a_few_granules_and_not_of_the_whole_column(store):
    store.command(MANY)
    store.command("OPTIMIZE TABLE product_events FINAL")
    sent = pa.table({"event_id": [f"{n:08X}" for n in range(100_000, 100_500)]})
    asked = "EXPLAIN indexes = 1 " + query("known_events")
    plan = "".join(store.arrow(asked, {"table": "product_events"}, sent).to_pydict()["explain"])
    assert "ReadFromMergeTree (event_ids)" in plan
    read, there = map(int, re.findall(r"Granules: (\d+)/(\d+)", plan)[-1])
    assert read <= 2 and there >= 24
    assert store.known("product_events", pa.chunked_array([["000186A0", "nobody"]])).to_pylist() == ["000186A0"]


def test_a_deletion_of_many_events_leaves_the_others_and_their_index(store):
    store.command(MANY)
    store.delete("product_events", [f"{n:08X}" for n in range(25_000)])
    assert store.command("SELECT count() FROM product_events") == 175_000
    known = store.known("product_events", pa.chunked_array([["00000000", "0000FFFF"]]))
    assert known.to_pylist() == ["0000FFFF"]
    with pytest.raises(StoreRefused, match="lightweight_mutation_projection_mode"):  # it would leave ids in the index
        store.command("DELETE FROM product_events WHERE user_id = 'u'")


def test_rows_that_an_earlier_version_masked_as_deleted_are_not_in_the_index(clickhouse_settings, monkeypatch):
    with Store.connect(clickhouse_settings) as store:
        with monkeypatch.context() as patch:
            patch.setattr(migration, "migrations", lambda: migrations()[:8])
            store.migrate()
        store.send("product_events", events("a", "b"))
        store.command("DELETE FROM product_events WHERE event_id = 'a'")
        store.migrate()
        assert store.insert("product_events", events("a", "b")) == Inserted(1, 1)


def test_staging_tables_of_an_earlier_version_go_with_its_schema(clickhouse_settings, monkeypatch):
    with Store.connect(clickhouse_settings) as store:
        with monkeypatch.context() as patch:
            patch.setattr(migration, "migrations", lambda: migrations()[:8])
            store.migrate()
        store.command("CREATE TABLE staging_items_1000000000_ab AS items ENGINE = Memory")
        assert "applied 009_event_ids" in store.migrate()
        assert store.arrow(query("staging_tables")).num_rows == 0


def test_a_batch_over_hundreds_of_months_goes_in(store):
    old = [NOW - timedelta(days=5 * n) for n in range(200)]
    rows = events(*map(str, range(200)))
    rows = rows.set_column(1, "event_time", pa.array(old, pa.timestamp("ms", "UTC")))
    assert store.insert("product_events", rows) == Inserted(200, 0)
    gps = pa.table(
        {
            "event_id": [str(n) for n in range(150)],
            "event_time": pa.array([NOW + timedelta(days=31 * n) for n in range(150)], pa.timestamp("ms", "UTC")),
            "device_id": ["d"] * 150,
            "lat_deg": [27.7] * 150,
            "lon_deg": [85.3] * 150,
        }
    )
    assert store.insert("gps_positions", gps) == Inserted(150, 0)


def test_sums_keep_types_and_currencies_apart(store):
    """Guards P35 and P43."""
    store.insert("product_events", events("a", "b", event_type="view", price=2.0, currency="USD"))
    store.insert("product_events", events("c", price=2.0, currency="USD"))
    store.insert("product_events", events("d", price=100.0, currency="NPR"))
    store.command("OPTIMIZE TABLE product_stats_quarter_hour FINAL")
    rows = store.arrow("SELECT event_type, currency, events, revenue FROM daily_product_stats ORDER BY ALL").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("purchase", "NPR", 1, 300.0),
        ("purchase", "USD", 1, 6.0),
        ("view", "USD", 2, 0.0),
    ]


def test_a_price_without_a_currency_is_refused(store):
    """Guards P43."""
    with pytest.raises(StoreRefused, match="price_has_a_currency"):
        store.insert("product_events", events("a", currency=""))
    assert totals(store) == 0


def test_a_day_in_kathmandu_begins_at_quarter_past_six_in_the_evening(store):
    """Guards P43."""
    midnight_utc = datetime.combine(NOW.date() - timedelta(days=2), datetime.min.time(), UTC)
    before, after = midnight_utc + timedelta(hours=18, minutes=14), midnight_utc + timedelta(hours=18, minutes=15)
    store.insert("product_events", events("a", moment=before))
    store.insert("product_events", events("b", "c", moment=after))
    window = {"since": midnight_utc, "until": NOW}
    by_zone = {
        zone: [row["events"] for row in store.arrow(query("daily_product_stats"), window | {"zone": zone}).to_pylist()]
        for zone in ("UTC", "Asia/Kathmandu")
    }
    assert by_zone == {"UTC": [3], "Asia/Kathmandu": [1, 2]}


def test_a_full_ip_address_is_refused(store):
    """Guards P41."""
    row = {"event_id": ["a"], "event_time": pa.array([NOW], pa.timestamp("ms", "UTC")), "user_id": ["u"]}
    row |= {"event_type": ["login"]}
    for address in ("203.0.113.77", "2001:db8::1", "203.0.113.77/24"):
        with pytest.raises(StoreRefused, match="ip_is_a_network"):
            store.insert("user_events", pa.table(row | {"ip_prefix": [address]}))
    assert store.insert("user_events", pa.table(row | {"ip_prefix": ["203.0.113.0/24"]})).rows == 1


def test_every_table_of_people_ends_by_the_settings(store):
    """Guards P41."""
    definitions = {row["name"]: row["engine_full"] for row in store.arrow(query("table_definitions")).to_pylist()}
    for table, days in RetentionSettings().days().items():
        assert f"toIntervalDay({days})" in definitions[table]


def test_retention_follows_the_settings_and_takes_effect(store):
    """Guards P41."""
    store.insert("product_events", events("old", moment=NOW - timedelta(days=40)))
    store.insert("product_events", events("new"))
    said = store.migrate(RetentionSettings(product_events_days=30), shorten=True)
    assert said == ["product_events: rows live 30 days, before 1095 days"]
    store.command("OPTIMIZE TABLE product_events FINAL")
    assert store.arrow("SELECT event_id FROM product_events").to_pydict() == {"event_id": ["new"]}
    store.migrate(RetentionSettings(product_events_days=0))
    assert " TTL " not in store.command("SHOW CREATE TABLE product_events")


def test_a_client_with_a_shorter_retention_deletes_nothing_unless_it_says_so(store):
    """Guards P41."""
    store.insert("product_events", events("old", moment=NOW - timedelta(days=40)))
    shorter = RetentionSettings(product_events_days=30, gps_positions_days=1)
    with pytest.raises(WouldDelete, match=r"product_events from 1095 days to 30 days \(1 of 1 rows .* --shorten"):
        store.migrate(shorter)
    store.command("OPTIMIZE TABLE product_events FINAL")
    assert store.command("SELECT count() FROM product_events") == 1
    assert store.migrate(RetentionSettings(product_events_days=2000)) == [
        "product_events: rows live 2000 days, before 1095 days"
    ]


def test_a_writer_that_is_quicker_than_the_first_migration_is_no_reason_to_refuse_it(clickhouse_settings, monkeypatch):
    apply = migration._apply

    def with_a_writer_behind_it(store, step):
        apply(store, step)
        if step.number == 1:
            store.insert("product_events", events("early"), in_turn=False)

    monkeypatch.setattr(migration, "_apply", with_a_writer_behind_it)
    with Store.connect(clickhouse_settings) as store:
        assert "product_events: rows live 1095 days, before for ever" in store.migrate()
        assert store.command("SELECT count() FROM product_events") == 1


def test_a_flow_changes_neither_schema_nor_retention_and_says_what_does(clickhouse_settings, monkeypatch):
    for name in ("port", "database"):
        monkeypatch.setenv(f"AGRO_CLICKHOUSE_{name.upper()}", str(getattr(clickhouse_settings, name)))
    with pytest.raises(SchemaBehind, match=r"lacks 001_events, .*: run `agro migrate`"):
        ports.connect_store()
    with Store.connect(clickhouse_settings) as store:
        store.migrate()
        monkeypatch.setenv("AGRO_RETENTION_PRODUCT_EVENTS_DAYS", "30")
        ports.connect_store()
        assert "toIntervalDay(1095)" in store.command("SHOW CREATE TABLE product_events")


def test_migrations_are_applied_once_and_numbered_without_gaps(store):
    assert store.migrate() == []
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))
    assert store.command("SELECT count() FROM schema_migrations") == len(migrations())


def test_two_processes_that_migrate_at_once_both_succeed(clickhouse_settings):
    def migrate(_):
        with Store.connect(clickhouse_settings) as store:
            return store.migrate()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrate, range(2)))
    with Store.connect(clickhouse_settings) as store:
        assert store.migrate() == []


def test_times_are_bound_in_utc_to_the_millisecond(store):
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    params = {"t": datetime(2024, 1, 1, 5, 45, 0, 7000, kathmandu), "d": date(2024, 2, 29)}
    row = store.arrow("SELECT {t:DateTime64(3, 'UTC')} AS t, {d:Date} AS d", params).to_pylist()[0]
    assert row == {"t": datetime(2024, 1, 1, 0, 0, 0, 7000, UTC), "d": date(2024, 2, 29)}


def test_a_time_without_a_zone_is_refused(store):
    with pytest.raises(ValueError, match="without a zone"):
        store.arrow("SELECT {t:DateTime64(3, 'UTC')}", {"t": datetime(2024, 1, 1)})


def test_parameters_are_values_and_never_sql(store):
    """Guards P37."""
    store.insert("product_events", events("a"))
    attack = "p'; DROP TABLE product_events; --"
    found = store.arrow("SELECT count() AS n FROM product_events WHERE product_id = {p:String}", {"p": attack})
    assert found["n"].to_pylist() == [0]
    assert totals(store) == 1
    with pytest.raises(ValueError, match="not the name of a table"):
        store.insert("product_events; DROP TABLE items", events("b"))


def test_many_threads_share_a_store(store):
    def ask(number):
        return store.arrow("SELECT {n:UInt32} AS n", {"n": number})["n"].to_pylist()[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(100))) == list(range(100))


def test_no_rows_are_no_rows_but_columns(store):
    assert store.insert("product_events", events()) == Inserted(0, 0)
    assert store.frame("SELECT user_id, event_time FROM product_events").columns.tolist() == ["user_id", "event_time"]


def test_an_unreachable_clickhouse_is_named_with_the_remedy(caplog):
    port = free_port()
    with caplog.at_level(logging.WARNING), pytest.raises(StoreUnreachable) as failure:
        Store.connect(ClickHouseSettings(port=port))
    text = str(failure.value)
    assert f"127.0.0.1:{port}" in text
    assert "agro up" in text and "AGRO_CLICKHOUSE_HOST" in text and "AGRO_CLICKHOUSE_PORT" in text
    assert caplog.text == ""


def test_a_time_out_of_half_a_second_is_a_second_to_the_driver(clickhouse):
    with Store.connect(clickhouse.settings(timeout_s=0.5)) as store:
        assert store.command("SELECT 1") == 1


class FullDisk:
    """A client whose server has no space."""

    def query_arrow(self, sql, **given):
        raise DatabaseError("Code: 243. DB::Exception: Cannot reserve 1.00 MiB. (NOT_ENOUGH_SPACE)")


def test_a_full_disk_of_clickhouse_is_said_plainly():
    store = Store(FullDisk(), ClickHouseSettings())
    with pytest.raises(DiskFull, match="free some space"):
        store.arrow("SELECT 1")


def test_an_unknown_table_is_a_refusal_with_its_code(store):
    with pytest.raises(StoreRefused) as refusal:
        store.arrow("SELECT 1 FROM nothing")
    assert refusal.value.code == 60
    assert "\n" not in str(refusal.value)
