"""Files into the real engine: good rows once, bad rows into a file that says where and why."""

import errno
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from features.checks import Marks
from features.errors import BadInput, DiskFull, UnknownKind
from features.ingest import IngestResult, ingest, ingest_table
from features.kinds import find, kinds
from features.row_rules import hold, in_sql
from features.rules import Limits
from tests.fixtures.purchases import DAY, HEADER, count, counts, many, reasons, seconds, write


def test_rows_arrive_as_they_were_written(store, storage, tmp_path):
    path = write(tmp_path / "a.csv", f"007,x é,{seconds()},purchase,2,1.25", f"u2,i2,{DAY.isoformat()},view,,")
    assert ingest(store, "purchases", path, storage) == IngestResult("purchases", 2, 2, 0, 0, None)
    found = store.arrow(
        "SELECT user_id, product_id, event_time, event_type, quantity, price, currency "
        "FROM product_events ORDER BY user_id"
    )
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("007", "x é", DAY, "purchase", 2.0, 1.25, "USD"),
        ("u2", "i2", DAY, "view", 1.0, None, ""),
    ]


def test_a_malformed_row_is_rejected_with_its_line_and_the_others_are_loaded(store, storage, tmp_path):
    good = f"u,i,{seconds()},purchase,1,1"
    path = write(
        tmp_path / "bad.csv",
        good,  # line 2
        "only,three,values",
        f'u,"stray,{seconds(1)},purchase,1,1',
        "",
        f"u,j,{seconds(2)},purchase,1,1",  # line 6
        f"u,j,{seconds(3)},purchase,1,1,extra",
        f",i,{seconds(4)},purchase,1,1",
        "u,i,yesterday,purchase,1,1",
        f"u,i,{seconds(5)},purchase,-1,1",
        f"u,i,{seconds(6)},purchase,1,cheap",
        "u,i,00777471e3131461701,purchase,1,1",
        "u,i,,purchase,1,1",
    )
    result = ingest(store, "purchases", path, storage)
    assert counts(result) == (11, 2, 0, 9)
    assert [line for line, _ in reasons(result)] == [3, 4, 7, 8, 9, 10, 11, 12, 13]
    said = dict(reasons(result))
    assert said[3] == "has 3 values where the header has 6"
    assert said[4].startswith("is not CSV")
    assert said[7] == "has 7 values where the header has 6"
    assert said[8] == "user_id is missing"
    assert said[9] == "timestamp is not a time"
    assert said[10] == "quantity breaks the rule that it is from 0 to 1,000,000"
    assert said[11] == "price is not a number"
    assert said[13] == "timestamp is missing"
    assert counts(ingest(store, "purchases", path, storage)) == (11, 0, 2, 9)
    assert count(store) == 2


def test_what_the_contract_refuses_of_an_event_is_refused_at_the_door(store, storage, tmp_path):
    now = datetime.now(UTC)
    path = write(
        tmp_path / "odd.csv",
        f"u,i,{seconds()},purchased,1,1,",
        "u,i,2090-01-01,purchase,1,1,",
        "u,i,1970-01-01,purchase,1,1,",
        f"u,i,{seconds(1)},purchase,2000000,1,",
        f"u,i,{seconds(2)},purchase,1,-3,",
        f"u,i,{seconds(3)},rating,1,,101",
        f"u,,{seconds(4)},purchase,1,1,",
        f"u,i,{(now + timedelta(minutes=2)).isoformat()},purchase,1,1,",  # a clock that runs ahead a little
        header=HEADER.replace("price", "price,rating"),
    )
    result = ingest(store, "purchases", path, storage)
    assert [reason for _, reason in reasons(result)] == [
        "event_type breaks the rule that it is one of view, add_to_cart, remove_from_cart, purchase, rating",
        "timestamp breaks the rule that it is not in the future",
        "timestamp breaks the rule that it is not before the earliest sensible time",
        "quantity breaks the rule that it is from 0 to 1,000,000",
        "price breaks the rule that it is from 0 to 1,000,000",
        "rating breaks the rule that it is from -100 to 100",
        "item_id is missing",
    ]
    assert count(store) == 1


@pytest.mark.parametrize("kind", kinds())
def test_every_rule_of_a_row_can_be_judged_at_the_door_and_in_the_store(kind, store):
    """A rule that is added later is judged in both places, or this fails."""
    for rule in find(kind).open().row_rules(Limits(), datetime.now(UTC)):
        marks = Marks(1)
        hold(pa.table({rule.column: pa.nulls(1, pa.string())}), [rule], marks)
        condition, given = in_sql(rule, f"CAST(NULL AS Nullable({_stored_type(rule)}))")
        broken = store.arrow(f"SELECT ifNull({condition}, 0) AS broken", given)["broken"].to_pylist()
        assert broken == [int(marks.bad[0])]


def _stored_type(rule):
    if rule.column in ("timestamp", "ds"):
        return "DateTime64(3, 'UTC')"
    return "Float64" if rule.expectation.endswith("Between") else "String"


def test_a_file_whose_refused_row_was_mended_adds_that_row_alone(store, storage, tmp_path):
    """The refused row once read like the sound one; its number among equal rows must not move the other's id."""
    good = f"u,i,{seconds()},purchase,1,"
    path = write(tmp_path / "a.csv", f"u,i,{seconds()},purchase,1,cheap", good)
    assert counts(ingest(store, "purchases", path, storage)) == (2, 1, 0, 1)
    write(path, f"u,i,{seconds()},purchase,1,2.5", good)
    assert counts(ingest(store, "purchases", path, storage)) == (2, 1, 1, 0)


def test_lines_are_counted_over_blank_lines_and_values_of_several_lines(store, storage, tmp_path):
    path = tmp_path / "lines.csv"
    path.write_text(
        f'user_id,item_id,timestamp\nu,"two\nlines",{seconds()}\n\n\nu,i,never\nu,j,{seconds(1)}\nu,i,never\n'
    )
    result = ingest(store, "purchases", path, storage)
    assert counts(result) == (4, 2, 0, 2)
    assert reasons(result) == [(6, "timestamp is not a time"), (8, "timestamp is not a time")]


def test_bytes_that_are_not_utf_8_cost_their_line_alone(store, storage, tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes(f"user_id,item_id,timestamp\nu,i,{seconds()}\n".encode() + b"u,caf\xe9,1\n")
    result = ingest(store, "purchases", path, storage)
    assert counts(result) == (2, 1, 0, 1)
    assert reasons(result) == [(3, "is not UTF-8")]


def test_a_file_mended_leaves_no_rejects_behind(store, storage, tmp_path):
    path = write(tmp_path / "a.csv", "u,i,never,purchase,1,1")
    first = ingest(store, "purchases", path, storage)
    write(path, f"u,i,{seconds()},purchase,1,1")
    assert ingest(store, "purchases", path, storage).rejects_path is None
    assert not first.rejects_path.exists()


def test_equal_rows_of_one_file_are_events_of_their_own_and_stay_so(store, storage, tmp_path):
    path = write(tmp_path / "a.csv", *[f"u,i,{seconds()},purchase,1,1"] * 3)
    assert counts(ingest(store, "purchases", path, storage)) == (3, 3, 0, 0)
    assert counts(ingest(store, "purchases", path, storage)) == (3, 0, 3, 0)
    assert count(store) == 3


def test_files_that_are_cut_otherwise_or_overlap_add_each_event_once(store, storage, tmp_path):
    """Guards P42."""
    ingest(store, "purchases", many(tmp_path / "a.csv", 300), storage)
    assert counts(ingest(store, "purchases", many(tmp_path / "b.csv", 300, first=200), storage)) == (300, 200, 100, 0)
    assert counts(ingest(store, "purchases", many(tmp_path / "c.csv", 500), storage)) == (500, 0, 500, 0)
    assert count(store) == 500


def test_csv_parquet_and_memory_are_the_same_events(store, storage, tmp_path):
    path = many(tmp_path / "a.csv", 50)
    table = pacsv.read_csv(path)
    pq.write_table(table, tmp_path / "a.parquet")
    assert counts(ingest(store, "purchases", path, storage)) == (50, 50, 0, 0)
    assert counts(ingest(store, "purchases", tmp_path / "a.parquet", storage)) == (50, 0, 50, 0)
    assert counts(ingest_table(store, "purchases", table, storage)) == (50, 0, 50, 0)


def test_a_shift_moves_times_by_weeks_and_does_not_make_other_events(store, storage, tmp_path):
    path = write(tmp_path / "a.csv", f"u,i,{seconds()},purchase,1,1")
    ingest(store, "purchases", path, storage, shift_weeks=2)
    row = store.arrow("SELECT event_time, shift_weeks FROM product_events").to_pylist()
    assert row == [{"event_time": DAY + timedelta(weeks=2), "shift_weeks": 2}]
    assert counts(ingest(store, "purchases", path, storage, shift_weeks=3)) == (1, 0, 1, 0)


def test_events_too_old_to_be_kept_are_refused_aloud(store, storage, tmp_path):
    path = write(tmp_path / "old.csv", "u,i,2012-01-01,purchase,1,1", f"u,i,{seconds()},purchase,1,1")
    result = ingest(store, "purchases", path, storage)
    assert counts(result) == (2, 1, 0, 1)
    assert "AGRO_RETENTION_PRODUCT_EVENTS_DAYS" in reasons(result)[0][1]


def test_progress_ends_with_all_rows(store, storage, tmp_path, monkeypatch):
    monkeypatch.setenv("AGRO_INGEST_CHUNK_ROWS", "40")
    told = []
    ingest(store, "purchases", many(tmp_path / "a.csv", 100), storage, progress=lambda *at: told.append(at))
    assert told == [(40, 100), (80, 100), (100, 100)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("user_id,when\n1,2\n", "no column item_id, timestamp; the file has user_id, when"),
        ("user_id,user_id\n", "names a column twice"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_named(store, storage, tmp_path, text, message):
    path = tmp_path / "odd.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=message) as failure:
        ingest(store, "purchases", path, storage)
    assert str(path) in str(failure.value)


def test_files_of_other_kinds_and_unknown_kinds_are_refused(store, storage, tmp_path):
    (tmp_path / "a.parquet").write_text("not parquet")
    for path in (tmp_path / "a.parquet", tmp_path / "none.csv", tmp_path / "a.xlsx", tmp_path):
        with pytest.raises(BadInput, match=str(path)):
            ingest(store, "purchases", path, storage)
    with pytest.raises(UnknownKind, match="purchases, events, items, demand, leaves"):
        ingest(store, "tractors", tmp_path, storage)


def test_a_header_without_rows_is_no_rows(store, storage, tmp_path):
    for kind, header in [("purchases", HEADER), ("items", "item_id\n"), ("demand", "series_id,ds,y,rain\n")]:
        assert counts(ingest(store, kind, write(tmp_path / f"{kind}.csv", header=header), storage)) == (0, 0, 0, 0)


def test_a_full_disk_under_the_rejects_is_said_plainly(store, storage, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pacsv, "write_csv", full)
    path = write(tmp_path / "a.csv", "u,i,never,purchase,1,1")
    with pytest.raises(DiskFull, match="AGRO_STORAGE_REJECTS"):
        ingest(store, "purchases", path, storage)


def test_ids_that_a_null_made_float_are_whole_numbers(store, storage):
    table = pa.table({"user_id": [1.0, None], "item_id": [2.0, 3.0], "timestamp": [DAY, DAY]})
    result = ingest_table(store, "purchases", table, storage)
    assert counts(result) == (2, 1, 0, 1)
    assert store.arrow("SELECT user_id, product_id FROM product_events").to_pylist() == [
        {"user_id": "1", "product_id": "2"}
    ]
