import pytest

from bentos import deployed
from bentos.errors import CorruptRecord
from bentos.packaged import PackagedBento


def bento(version, model="recommender"):
    return PackagedBento(f"{model}:{version}-abcd1234", None, "abcd1234" * 8, model, version)


def test_nothing_is_deployed_at_first(tmp_path):
    assert deployed.current("recommender", tmp_path) is None
    assert deployed.everything(tmp_path) == {}
    assert deployed.history("recommender", tmp_path) == []


def test_what_serves_is_the_last_that_was_recorded_and_history_has_all(tmp_path):
    for version in ("1", "2"):
        deployed.record(bento(version), 3001, tmp_path)
    assert deployed.current("recommender", tmp_path).version == "2"
    assert [entry.version for entry in deployed.history("recommender", tmp_path)] == ["1", "2"]


def test_each_model_has_its_own_record(tmp_path):
    deployed.record(bento("1"), 3001, tmp_path)
    deployed.record(bento("4", "leaf-disease"), 3003, tmp_path)
    assert {model: entry.port for model, entry in deployed.everything(tmp_path).items()} == {
        "recommender": 3001,
        "leaf-disease": 3003,
    }


def test_a_history_line_cut_short_loses_itself_alone(tmp_path):
    deployed.record(bento("1"), 3001, tmp_path)
    with (tmp_path / "recommender.history.jsonl").open("a") as file:
        file.write('{"model": "recom')
    deployed.record(bento("2"), 3001, tmp_path)
    assert [entry.version for entry in deployed.history("recommender", tmp_path)] == ["1", "2"]


def test_a_damaged_record_says_what_to_do(tmp_path):
    (tmp_path / "recommender.json").write_text("{")
    with pytest.raises(CorruptRecord, match="deploy recommender again"):
        deployed.current("recommender", tmp_path)


def test_a_crash_while_recording_leaves_the_old_record(tmp_path, monkeypatch):
    deployed.record(bento("1"), 3001, tmp_path)

    def crash(fd):
        raise OSError("disk full")

    monkeypatch.setattr(deployed.os, "fsync", crash)
    with pytest.raises(OSError, match="disk full"):
        deployed._replace(tmp_path / "recommender.json", "{}")
    monkeypatch.undo()
    assert deployed.current("recommender", tmp_path).version == "1"
    assert not list(tmp_path.glob(".recommender*"))
