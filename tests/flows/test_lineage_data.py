"""Which stored snapshots a version may be trained again from, and which are refused with the reason."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.images import ImageStore
from features.settings import StorageSettings
from features.snapshot import Window, content_hash, take
from flows.lineage_data import NotReproducible, data_of, stored

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = pa.table({"series_id": ["a", "a"], "ds": [1, 2], "y": [3.0, 4.0]})


@pytest.fixture
def folders(tmp_path):
    return StorageSettings(snapshots=tmp_path / "snapshots", images=tmp_path / "images", rejects=tmp_path)


@pytest.fixture
def kept(folders):
    window = Window.of(AS_OF, AS_OF)
    return take("demand", ROWS, "SELECT 1", window, order=("series_id",), folder=folders.snapshots)


def lineage(name, dataset):
    return SimpleNamespace(name=name, number=3, dataset=dataset)


def rewrite(snapshot, **sidecar):
    """Other rows under the same name, with a sidecar that agrees with them."""
    rows = snapshot.table.slice(1)
    pq.write_table(rows, snapshot.path)
    said = snapshot.lineage() | {"content_hash": content_hash(rows)} | sidecar
    snapshot.path.with_suffix(".json").write_text(json.dumps(said))


def test_the_data_are_the_rows_of_the_snapshot(kept, folders):
    assert data_of(lineage("demand-forecaster", kept.lineage()), folders)["y"].tolist() == [3.0, 4.0]


def test_a_snapshot_is_found_in_the_folder_of_the_settings_wherever_it_was_written(kept, folders, tmp_path):
    moved = folders.model_copy(update={"snapshots": folders.snapshots.rename(tmp_path / "elsewhere")})
    assert stored(kept.lineage(), "demand", moved).content_hash == kept.content_hash


def test_rows_that_were_changed_together_with_their_sidecar_are_refused_by_the_hash_in_the_lineage(kept, folders):
    rewrite(kept)
    with pytest.raises(NotReproducible, match=r"demand-forecaster version 3 .* not those that it learned from"):
        data_of(lineage("demand-forecaster", kept.lineage()), folders)


def test_a_snapshot_that_somebody_was_erased_from_says_so(kept, folders):
    rewrite(kept, extra={"erased": ["2026-04-01"]})
    with pytest.raises(NotReproducible, match="is not reproducible: erased: "):
        data_of(lineage("demand-forecaster", kept.lineage()), folders)


def test_a_snapshot_that_is_gone_is_named_with_a_remedy(kept, folders):
    kept.path.unlink()
    with pytest.raises(NotReproducible, match=rf"{kept.path.name} is gone from .*; put it back from a copy, or train"):
        data_of(lineage("demand-forecaster", kept.lineage()), folders)


def test_a_version_from_before_the_catalogue_was_kept_is_refused(kept, folders):
    dataset = kept.lineage() | {"kind": "interactions"}
    with pytest.raises(NotReproducible, match="names no snapshot of the catalogue; train a new version"):
        data_of(lineage("recommender", dataset), folders)


def test_a_photograph_that_was_changed_is_refused(folders):
    images = ImageStore(folders.images)
    image_id = images.put(b"a leaf")
    columns = {"image_id": [image_id], "label": ["corn__rust"], "path": ["/elsewhere"], "split": ["train"]}
    window = Window.of(AS_OF, AS_OF)
    leaves = take(
        "leaves", pa.table(columns), "SELECT 1", window, order=("image_id",), local=("path",), folder=folders.snapshots
    )
    said = lineage("leaf-disease", leaves.lineage())
    assert data_of(said, folders).frame["path"].tolist() == [str(images.path(image_id))]
    images.path(image_id).write_bytes(b"another leaf")
    with pytest.raises(NotReproducible, match=r"leaf-disease version 3 .* was changed"):
        data_of(said, folders)
