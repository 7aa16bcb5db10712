"""Folders of photographs: what is read, what is refused, what is held out."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from features.leaves import split as split_in_the_store
from features.synthetic_leaves import draw
from models.disease.leaves import LeafData, read, split_of, validation_rows
from models.errors import BadData


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    draw(folder, ["bean__rust", "corn__healthy"], per_class=20, size=48)
    (folder / "manifest.csv").write_text("file,label\n")
    (folder / "corn__healthy" / "notes.txt").write_text("taken in May")
    return folder


def test_class_folders_are_read_and_other_files_are_not(folder):
    data = read(folder)
    assert len(data) == 40 and set(data.labels) == {"bean__rust", "corn__healthy"}
    assert data.name == folder.name and data.frame["image_id"].is_monotonic_increasing
    assert data.pixels(32).shape == (40, 32, 32, 3)


def test_the_store_and_the_folder_hold_out_the_same_photographs(folder):
    ids = read(folder).image_ids
    assert [split_of(image_id) for image_id in ids] == [split_in_the_store(image_id) for image_id in ids]
    shares = [split_of(f"{number:064x}") for number in range(4000)].count("held_out") / 4000
    assert shares == pytest.approx(0.2, abs=0.02)


def test_the_order_of_rows_changes_nothing(folder):
    data = read(folder)
    shuffled = LeafData(data.frame.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(shuffled.frame, data.frame)


def test_each_image_is_decoded_once(folder, monkeypatch):
    data = read(folder)
    first = data.part("train").pixels(32)
    monkeypatch.setattr("models.disease.leaves._decode", lambda *args: pytest.fail("decoded again"))
    assert (data.part("train").pixels(32) == first).all()


def test_validation_takes_its_share_of_every_class(folder):
    data = read(folder)
    unseen = validation_rows(data, 0.25)
    assert unseen[data.labels == "bean__rust"].sum() == unseen[data.labels == "corn__healthy"].sum() == 5


def test_what_is_tested_on_is_not_trained_on(folder):
    data = read(folder)
    some = data.take(np.arange(7))
    assert len(data.without(some)) == 33 and not set(data.without(some).image_ids) & set(some.image_ids)


def test_the_same_photograph_under_two_labels_is_refused(folder, tmp_path):
    for label in ("bean__rust", "bean__healthy"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.jpg").write_bytes(next((folder / "bean__rust").iterdir()).read_bytes())
    with pytest.raises(BadData, match=r"same photograph under two labels: .*bean__healthy"):
        read(tmp_path)


def test_the_same_photograph_twice_under_one_label_counts_once(folder, tmp_path):
    (tmp_path / "bean__rust").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "bean__rust" / name).write_bytes(next((folder / "bean__rust").iterdir()).read_bytes())
    assert len(read(tmp_path)) == 1


@pytest.mark.parametrize(("name", "told"), [("rust", "rename it to crop__condition"), ("__rust", "rename it")])
def test_a_folder_without_crop_and_condition_is_named(tmp_path, name, told):
    (tmp_path / name).mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / name / "a.png")
    with pytest.raises(BadData, match=told):
        read(tmp_path)


def test_a_missing_folder_an_empty_one_and_a_missing_column_are_named(tmp_path):
    with pytest.raises(BadData, match="not a folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(BadData, match="no JPEG or PNG"):
        read(tmp_path)
    with pytest.raises(BadData, match="lack column label"):
        LeafData(pd.DataFrame({"image_id": ["0" * 64], "path": ["a.jpg"]}))


def test_a_file_that_is_no_photograph_is_named(tmp_path):
    (tmp_path / "bean__rust").mkdir()
    (tmp_path / "bean__rust" / "broken.jpg").write_bytes(b"not a photograph")
    with pytest.raises(BadData, match=r"broken\.jpg: not one of JPEG"):
        read(tmp_path).pixels(32)
