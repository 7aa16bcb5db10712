"""The leaf classifier's training set against the real engine: photographs by label, some held out for ever."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from features import contracts
from features.errors import ContractViolation, EmptyTrainingSet
from features.images import ImageStore
from features.kinds import find
from features.leaves import HELD_OUT_SHARE, split
from features.settings import StorageSettings
from features.snapshot import Snapshot
from tests.fixtures import rows

leaves = find("leaves").open().snapshot
TAKEN = datetime(2026, 1, 5, tzinfo=UTC)
ARRIVED = TAKEN + timedelta(days=1)
LATER = ARRIVED + timedelta(days=1)


def photograph(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def store(empty_store):
    return empty_store


@pytest.fixture
def picked(store, storage) -> dict[str, str]:
    """Forty photographs of two labels in the stores: image id to label."""
    images = ImageStore(storage.images)
    labels = {images.put(photograph(number)): ("bean__rust", "corn__healthy")[number % 2] for number in range(40)}
    store.insert("leaf_images", rows.leaf_images(labels, TAKEN, ARRIVED))
    return labels


def test_every_photograph_is_there_with_its_label_and_its_file(store, storage, picked):
    frame = leaves(store, LATER, LATER, storage).frame()
    assert dict(zip(frame["image_id"], frame["label"], strict=True)) == picked
    assert frame["image_id"].is_monotonic_increasing
    assert frame[["crop", "condition"]].agg("__".join, axis=1).equals(frame["label"])
    assert all(Path(path).read_bytes().startswith(b"\x89PNG") for path in frame["path"])
    assert contracts.check("leaves", frame, now=LATER).passed


def test_about_a_fifth_is_held_out_and_which_is_said_by_the_content_alone(store, storage, picked):
    first = leaves(store, LATER, LATER, storage).frame().set_index("image_id")["split"]
    images = ImageStore(storage.images)
    more = {images.put(photograph(number)): "tomato__healthy" for number in range(100, 130)}
    store.insert("leaf_images", rows.leaf_images(more, TAKEN, LATER))
    second = leaves(store, LATER, LATER, storage).frame().set_index("image_id")["split"]
    assert second[first.index].equals(first)
    assert {"train", "held_out"} == set(second)


def test_the_share_that_is_held_out_is_the_share_that_was_promised():
    sides = [split(f"{number:064x}") for number in range(5000)]
    assert abs(sides.count("held_out") / 5000 - HELD_OUT_SHARE) < 0.02


def test_the_hash_does_not_depend_on_where_the_images_lie(store, storage, picked, tmp_path):
    elsewhere = StorageSettings(snapshots=tmp_path / "s2", images=tmp_path / "i2", rejects=tmp_path / "r2")
    here, there = leaves(store, LATER, LATER, storage), leaves(store, LATER, LATER, elsewhere)
    assert here.content_hash == there.content_hash and here.id == there.id
    assert here.frame()["path"][0] != there.frame()["path"][0]


def test_a_photograph_that_arrives_late_does_not_change_an_old_snapshot(store, storage, picked):
    before = leaves(store, LATER, ARRIVED, storage)
    image_id = ImageStore(storage.images).put(photograph(99))
    store.insert("leaf_images", rows.leaf_images({image_id: "bean__rust"}, TAKEN, LATER))
    assert leaves(store, LATER, ARRIVED, storage) == before == Snapshot.load(before.path)
    assert leaves(store, LATER, LATER, storage).rows == before.rows + 1


def test_photographs_taken_from_as_of_on_are_left_out(store, storage, picked):
    assert leaves(store, TAKEN + timedelta(seconds=10), LATER, storage).rows == 10
    with pytest.raises(EmptyTrainingSet, match="no leaves"):
        leaves(store, TAKEN, LATER, storage)


def test_the_same_photograph_sent_twice_is_one_row(store, storage, picked):
    store.insert("leaf_images", rows.leaf_images(picked, TAKEN, ARRIVED))
    assert leaves(store, LATER, LATER, storage).rows == len(picked)


def test_a_photograph_under_two_labels_stops_at_the_contract(store, storage, picked):
    image_id, label = next(iter(picked.items()))
    other = "corn__healthy" if label == "bean__rust" else "bean__rust"
    store.insert("leaf_images", rows.leaf_images({image_id: other}, TAKEN, LATER))
    frame = leaves(store, LATER, LATER, storage).frame()
    with pytest.raises(ContractViolation, match="has no image twice, nor under two labels") as stop:
        contracts.check("leaves", frame, now=LATER).raise_for_failures()
    assert {row["image_id"] for row in stop.value.failures[0].sample_rows} == {image_id}


def test_a_file_that_was_lost_stops_at_the_contract(store, storage, picked):
    frame = leaves(store, LATER, LATER, storage).frame()
    ImageStore(storage.images).path(frame["image_id"][3]).unlink()
    with pytest.raises(ContractViolation, match="path: is a file that exists"):
        contracts.check("leaves", frame, now=LATER).raise_for_failures()
