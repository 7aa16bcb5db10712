"""Items and days of demand into the real engine: what the newest file says is what stands."""

from datetime import UTC, datetime

from features.ingest import ingest
from tests.fixtures.purchases import counts, reasons, write


def test_what_the_contract_refuses_of_demand_is_refused_at_the_door(store, storage, tmp_path):
    path = write(
        tmp_path / "d.csv",
        "a,2026-01-01,-5,,",
        "a,2090-01-01,5,,",
        "a,2026-01-02,5,1.5,",
        "a,2026-01-03,5,,0",
        "a,2026-01-04,,,",  # takes the day back
        header="series_id,ds,y,known_promo_share,known_price_usd\n",
    )
    result = ingest(store, "demand", path, storage)
    assert [(line, reason.split()[0]) for line, reason in reasons(result)] == [
        (2, "y"), (3, "ds"), (4, "known_promo_share"), (5, "known_price_usd"),
    ]  # fmt: skip
    assert result.inserted == 1


def test_a_row_is_no_duplicate_of_one_that_was_refused(store, storage, tmp_path):
    header = "series_id,ds,y\n"
    path = write(tmp_path / "d.csv", "a,2026-01-01,many", "a,2026-01-01,5", "a,2026-01-01,6", header=header)
    result = ingest(store, "demand", path, storage)
    assert reasons(result) == [(2, "y is not a number"), (4, "series_id and ds came before in this file")]
    path = write(tmp_path / "i.csv", "1,cheap", "1,2", "1,3", header="item_id,price\n")
    assert reasons(ingest(store, "items", path, storage)) == [
        (2, "price is not a number"),
        (4, "item_id came before in this file"),
    ]


def test_items_are_what_the_newest_file_says(store, storage, tmp_path):
    header = "item_id,product_category,brand,title,price\n"
    first = write(tmp_path / "items.csv", "1,FRUIT,,Apple,2", "2,FRUIT,,Pear,", header=header)
    assert counts(ingest(store, "items", tmp_path, storage)) == (2, 2, 0, 0)
    assert counts(ingest(store, "items", first, storage)) == (2, 0, 2, 0)
    newer = write(tmp_path / "newer.csv", "1,FRUIT,,Red apple,2", "3,FRUIT,,Fig,1", "3,FRUIT,,Fig,2", header=header)
    result = ingest(store, "items", newer, storage)
    assert counts(result) == (3, 2, 0, 1)
    assert reasons(result) == [(4, "item_id came before in this file")]
    assert counts(ingest(store, "items", first, storage)) == (2, 1, 1, 0)
    titles = store.arrow("SELECT item_id, title, category, currency FROM items FINAL ORDER BY item_id").to_pylist()
    assert [tuple(row.values()) for row in titles] == [
        ("1", "Apple", "FRUIT", "USD"),
        ("2", "Pear", "FRUIT", ""),
        ("3", "Fig", "FRUIT", "USD"),
    ]


def test_demand_keeps_every_regressor_and_every_correction(store, storage, tmp_path):
    header = "series_id,department,ds,y,known_promo_share,rain_mm,note\n"
    path = write(tmp_path / "d.csv", "a,FRUIT,2026-01-01,5,.5,1.5,x", "a,FRUIT,2026-01-02,,,,", header=header)
    assert counts(ingest(store, "demand", path, storage)) == (2, 2, 0, 0)
    assert counts(ingest(store, "demand", path, storage)) == (2, 0, 2, 0)
    rows = store.arrow(
        "SELECT ds, y, known_promo_share AS p, regressors AS r FROM daily_demand ORDER BY ds"
    ).to_pylist()
    assert rows[0] | {"ds": None} == {"ds": None, "y": 5.0, "p": 0.5, "r": [("rain_mm", 1.5)]}
    assert rows[1] | {"ds": None} == {"ds": None, "y": None, "p": None, "r": []}
    write(path, "a,FRUIT,2026-01-01,6,.5,1.5,x", header=header)
    assert counts(ingest(store, "demand", path, storage)) == (1, 1, 0, 0)
    assert store.command("SELECT count() FROM daily_demand") == 3


def test_demand_shifted_by_weeks_keeps_its_weekdays(store, storage, tmp_path):
    path = write(tmp_path / "d.csv", "a,2017-01-04,5", header="series_id,ds,y\n")
    ingest(store, "demand", path, storage, shift_weeks=100)
    shifted = store.arrow("SELECT ds, event_time FROM daily_demand").to_pylist()[0]
    assert str(shifted["ds"]) == "2018-12-05"
    assert shifted["event_time"] == datetime(2018, 12, 5, tzinfo=UTC)
    assert counts(ingest(store, "demand", path, storage, shift_weeks=101)) == (1, 0, 1, 0)
