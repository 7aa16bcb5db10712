"""The records of the kinds of data, and what is derived from them."""

import subprocess
import sys

import pytest

from base.packages import BadPackage
from features import kinds
from features.errors import UnknownKind
from features.kinds import Kind, find, ingested, inputs, judged, learned
from models.families import RegisteredModel, registered


@pytest.fixture
def brought(monkeypatch):
    """A model of another package brings this kind."""

    def bring(kind):
        record = RegisteredModel(**{**vars(registered("recommender")), "name": "other", "kind": "other_package:KIND"})
        monkeypatch.setattr(kinds, "added", lambda group: iter([("entry point other", record)]))
        monkeypatch.setattr(kinds, "_imported", lambda path: kind)
        kinds.kinds.cache_clear()

    yield bring
    kinds.kinds.cache_clear()


def test_a_kind_is_found_by_its_name_and_files_by_what_they_are_called():
    assert list(inputs()) == ["purchases", "events", "items", "demand", "leaves"]
    assert find("interactions") is ingested("purchases") is ingested("events") is judged("purchases")
    assert learned() == ["interactions", "demand", "leaves"]


def test_a_name_that_nothing_has_is_refused_with_those_that_there_are():
    with pytest.raises(UnknownKind, match="'purchases' is not a kind of data; there are interactions, catalogue"):
        find("purchases")
    with pytest.raises(UnknownKind, match="'interactions' is not a kind of input; there are purchases, events"):
        ingested("interactions")
    with pytest.raises(UnknownKind, match="no contract for 'catalogue'; kinds with one: interactions, demand, leaves"):
        judged("catalogue")


def test_another_package_brings_a_kind(brought):
    soil = Kind(name="soil", dataset="other_package:Soil", table="soil_samples", inputs={"soil": ("soil",)})
    brought(soil)
    assert find("soil") is find("other_package:KIND") is ingested("soil") is judged("soil") is soil


@pytest.mark.parametrize("taken", [{"name": "demand"}, {"inputs": {"items": ("items",)}}])
def test_another_package_cannot_take_a_name_of_ours(brought, taken):
    free = {"name": "soil", "dataset": "other_package:Soil", "table": "soil_samples", "inputs": {"soil": ("soil",)}}
    brought(Kind(**{**free, **taken}))
    with pytest.raises(BadPackage, match=r"entry point other: there is a kind of data '(demand|items)' already"):
        find("soil")


def test_the_records_import_nothing_that_takes_time():
    heavy = "'pandas', 'pyarrow', 'numpy', 'pydantic'"
    code = f"import sys, features.kinds, models.families; sys.exit(str([m for m in ({heavy}) if m in sys.modules]))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.strip() == "[]"
