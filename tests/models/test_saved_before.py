"""Models saved by an earlier version of the code, whose files name their algorithms less plainly, still answer."""

import json
import tarfile
from pathlib import Path

import pytest

from models.families import family
from tests.models.contract import same

ARCHIVE = Path(__file__).with_name("saved") / "recommender-2-and-forecaster-1.tar.xz"
"""Written by the code that wrote the recommender's format 2 and the forecaster's format 1, with its answers."""
SAVED = {
    "recommender": {
        "hybrid": "hybrid", "hybrid-without-catalogue": "collaborative", "collaborative-over-users": "collaborative",
        "collaborative-over-items": "collaborative", "collaborative-crowd": "collaborative", "content": "content",
        "content-without-catalogue": "popularity", "popularity": "popularity", "recent_popularity": "popularity",
    },
    "demand-forecaster": {"prophet": "prophet", "seasonal_naive": "seasonal_naive", "naive": "naive"},
}  # fmt: skip
CASES = [(model, name) for model, names in SAVED.items() for name in names]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize(("model", "name"), CASES)
def test_it_answers_as_it_did(saved, model, name):
    loaded = family(model).load(saved / model / name)
    for case in json.loads((saved / model / name / "golden.json").read_text()):
        assert same(loaded.answer(case["request"]), case["answer"])


@pytest.mark.parametrize(("model", "name"), CASES)
def test_saved_again_it_names_its_algorithm(saved, tmp_path, model, name):
    family(model).load(saved / model / name).save(tmp_path)
    header = json.loads((tmp_path / "model.json").read_text())
    assert header["ranker" if model == "recommender" else "algorithm"] == SAVED[model][name]
    before = json.loads((saved / model / name / "golden.json").read_text())[0]
    assert same(family(model).load(tmp_path).answer(before["request"]), before["answer"])
