"""Snapshots: the same rows have the same hash, and a file that was changed is refused."""

import errno
import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import snapshot as snapshots
from features.errors import DiskFull, EmptyTrainingSet
from features.snapshot import Snapshot, SnapshotDamaged, Window, canonical, content_hash, take

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = pa.table(
    {
        "user_id": ["b", "a", "a", None],
        "timestamp": pa.array([3, 1, 2, 4], pa.timestamp("ms", "UTC")),
        "price": [1.5, None, float("nan"), 2.5],
        "bought": [True, False, None, True],
    }
)


def kept(folder: Path | None, rows: pa.Table = ROWS, **options: object) -> Snapshot:
    window = Window.of(AS_OF, AS_OF)
    return take("interactions", rows, "SELECT 1", window, order=("timestamp",), folder=folder, **options)


def hashed(rows: pa.Table) -> str:
    return content_hash(canonical(rows, ["timestamp"]))


def test_the_hash_does_not_depend_on_the_order_of_the_rows():
    shuffled = ROWS.take([2, 0, 3, 1])
    assert not shuffled.equals(ROWS)
    assert hashed(shuffled) == hashed(ROWS)


def test_the_hash_does_not_depend_on_how_the_rows_were_cut_into_chunks():
    cut = pa.concat_tables([ROWS.slice(0, 1), ROWS.slice(1, 2), ROWS.slice(3)])
    assert content_hash(cut) == content_hash(ROWS)
    assert content_hash(ROWS.slice(1)) == content_hash(ROWS.take([1, 2, 3]))


def test_the_hash_is_of_names_types_and_values_alone():
    one = (1).to_bytes(8, "little")
    time = b"timestamp\0int64\x001\0" + b"\0" + one  # name, type, rows; no row missing; the value
    text = b"a\0string\x001\0" + b"\0" + one + b"x"  # and for text its length before it
    assert hashed(pa.table({"timestamp": [1], "a": ["x"]})) == sha256(time + text).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        ROWS.slice(1),
        ROWS.rename_columns(["user", "timestamp", "price", "bought"]),
        ROWS.set_column(2, "price", pa.array([1.5, None, None, 2.5])),
        ROWS.set_column(2, "price", pa.array([1.5, 0.0, float("nan"), 2.5])),
        ROWS.set_column(0, "user_id", pa.array(["b", "a", "a", ""])),
        ROWS.set_column(0, "user_id", pa.array(["b", "aa", "", None])),
        ROWS.set_column(3, "bought", pa.array([True, False, False, True])),
        pa.concat_tables([ROWS, ROWS.slice(0, 1)]),
    ],
    ids=["row gone", "renamed", "nan to null", "null to 0", "null to empty", "text moved", "null to false", "twice"],
)
def test_any_other_content_has_another_hash(other):
    assert hashed(other) != hashed(ROWS)


def test_a_snapshot_read_back_is_the_snapshot_that_was_kept(tmp_path):
    taken = kept(tmp_path, extra={"held_out_share": 0.2})
    read = Snapshot.load(taken.path)
    assert read == taken
    pd.testing.assert_frame_equal(read.frame(), taken.frame())
    assert Snapshot.load(taken.path.with_suffix(".json")) == taken


def test_its_files_are_named_for_kind_and_hash_and_the_sidecar_says_it_all(tmp_path):
    taken = kept(tmp_path)
    assert taken.path.name == f"interactions-{taken.id[:12]}.parquet"
    said = json.loads(taken.path.with_suffix(".json").read_text())
    assert said["query"] == "SELECT 1" and said["rows"] == 4 and said["content_hash"] == taken.content_hash
    assert said["params"] == {"as_of": "2026-03-01 00:00:00.000", "known_at": "2026-03-01 00:00:00.000"}
    assert said["as_of"] == said["known_at"] == "2026-03-01T00:00:00+00:00"
    assert sorted(path.name for path in tmp_path.iterdir()) == [taken.path.with_suffix(".json").name, taken.path.name]


def test_two_origins_of_the_same_rows_do_not_overwrite_each_other(tmp_path):
    first = kept(tmp_path)
    second = take("interactions", ROWS, "SELECT 2", Window.of(AS_OF, AS_OF), order=("timestamp",), folder=tmp_path)
    assert first.content_hash == second.content_hash and first.path != second.path
    assert Snapshot.load(first.path).query == "SELECT 1"


def test_a_changed_row_is_refused_and_the_message_says_what_to_do(tmp_path):
    taken = kept(tmp_path)
    pq.write_table(taken.table.set_column(2, "price", pa.array([9.0, 9.0, 9.0, 9.0])), taken.path)
    with pytest.raises(SnapshotDamaged, match="changed after it was written, take the snapshot again"):
        Snapshot.load(taken.path)


@pytest.mark.parametrize("suffix", [".parquet", ".json"])
def test_a_torn_or_missing_file_is_refused(tmp_path, suffix):
    taken = kept(tmp_path)
    file = taken.path.with_suffix(suffix)
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(SnapshotDamaged, match="cannot be read"):
        Snapshot.load(taken.path)
    file.unlink()
    with pytest.raises(SnapshotDamaged, match="cannot be read"):
        Snapshot.load(taken.path)


def test_a_local_column_is_kept_and_does_not_count_in_the_hash(tmp_path):
    here = ROWS.append_column("path", pa.array(["/here/1"] * 4))
    there = ROWS.append_column("path", pa.array(["/there/1"] * 4))
    one, other = kept(tmp_path, here, local=("path",)), kept(None, there, local=("path",))
    assert one.content_hash == other.content_hash
    assert Snapshot.load(one.path).frame()["path"].tolist() == ["/here/1"] * 4


def test_changing_the_frame_leaves_the_snapshot_alone(tmp_path):
    taken = kept(tmp_path)
    frame = taken.frame()
    frame["price"] = 0.0
    frame.drop(index=0, inplace=True)
    assert taken.frame()["price"].tolist()[0] != 0.0
    assert content_hash(taken.table) == taken.content_hash


def test_times_come_back_as_utc_milliseconds(tmp_path):
    assert kept(tmp_path).frame()["timestamp"].dtype == pd.DatetimeTZDtype("ms", "UTC")


def test_no_rows_are_an_error_that_says_until_when_was_looked(tmp_path):
    with pytest.raises(EmptyTrainingSet, match=r"before 2026-03-01 00:00:00\.000 UTC were known by"):
        kept(tmp_path, ROWS.slice(0, 0))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_with_a_remedy_and_leaves_no_sidecar(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(snapshots.pq, "write_table", full)
    with pytest.raises(DiskFull, match="free some space"):
        kept(tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="as_of=2026-03-01 00:00:00 has no time zone"):
        Window.of(datetime(2026, 3, 1))


def test_times_in_another_zone_mean_the_same_moment():
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    assert Window.of(datetime(2026, 3, 1, 5, 45, tzinfo=kathmandu), AS_OF) == Window.of(AS_OF, AS_OF)


def test_known_at_is_now_unless_said_otherwise():
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert before <= Window.of(AS_OF).known_at <= datetime.now(UTC)
