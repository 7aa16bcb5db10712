"""Folders of leaf photographs into the real engine: each photograph once, under one label."""

import pytest

from features.ingest import ingest
from tests.fixtures.purchases import counts, reasons


@pytest.fixture
def leaves(tmp_path):
    from PIL import Image

    for n, label in enumerate(("bean__rust", "tomato__leaf_blight")):
        (tmp_path / "leaves" / label).mkdir(parents=True)
        Image.new("RGB", (8 + n, 6), (n, 120, 40)).save(tmp_path / "leaves" / label / "a.jpg")
    return tmp_path / "leaves"


def test_leaf_photographs_are_kept_once_by_their_content(store, storage, leaves):
    (leaves / "bean__rust" / "copy.jpg").write_bytes((leaves / "bean__rust" / "a.jpg").read_bytes())
    assert counts(ingest(store, "leaves", leaves, storage)) == (3, 2, 1, 0)
    assert counts(ingest(store, "leaves", leaves, storage)) == (3, 0, 3, 0)
    rows = store.arrow("SELECT label, crop, condition, width, height FROM leaf_images ORDER BY label").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("bean__rust", "bean", "rust", 8, 6),
        ("tomato__leaf_blight", "tomato", "leaf_blight", 9, 6),
    ]
    assert sum(path.is_file() for path in storage.images.rglob("*")) == 2


def test_one_photograph_under_two_labels_is_refused_in_a_load_and_against_the_store(store, storage, leaves):
    rust = (leaves / "bean__rust" / "a.jpg").read_bytes()
    (leaves / "tomato__leaf_blight" / "b.jpg").write_bytes(rust)
    refused = "is known under bean__rust already: one photograph has one label"
    assert [reason for _, reason in reasons(ingest(store, "leaves", leaves, storage))] == [refused]
    (leaves / "bean__rust" / "a.jpg").unlink()
    again = ingest(store, "leaves", leaves, storage)
    assert counts(again) == (2, 0, 1, 1)
    assert [reason for _, reason in reasons(again)] == [refused]


def test_images_that_are_none_are_rejected_with_a_reason(store, storage, leaves):
    (leaves / "Bean Rust").mkdir()
    (leaves / "Bean Rust" / "a.jpg").write_bytes((leaves / "bean__rust" / "a.jpg").read_bytes())
    (leaves / "bean__rust" / "b.png").write_text("not an image")
    whole = (leaves / "tomato__leaf_blight" / "a.jpg").read_bytes()
    (leaves / "tomato__leaf_blight" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    result = ingest(store, "leaves", leaves, storage)
    assert counts(result) == (5, 2, 0, 3)
    said = [reason for _, reason in reasons(result)]
    assert said[:2] == ["is in a folder that is not named crop__condition", "is neither JPEG nor PNG"]
    assert said[2].startswith("does not decode")
