import json

import pytest

from bentos import deployed
from bentos.bento import Bento


def bento(version, model="recommender"):
    return Bento(f"{model}:{version}-abcd1234", None, "abcd1234" * 8, model, version)


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


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"model": "recommender"}', "cannot be read"),
        ("\x00\xff", "cannot be read"),
    ],
)
def test_a_damaged_record_is_named_and_hides_no_other(tmp_path, text, wrong):
    deployed.record(bento("4", "leaf-disease"), 3003, tmp_path)
    (tmp_path / "recommender.json").write_text(text)
    assert list(deployed.everything(tmp_path)) == ["leaf-disease"]
    assert deployed.current("recommender", tmp_path) is None
    assert list(deployed.damaged(tmp_path)) == ["recommender"]
    assert wrong in deployed.damaged(tmp_path)["recommender"]


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [("port", "3001", "wrong port"), ("digest", None, "wrong digest"), ("model", "leaf-disease", "'leaf-disease'")],
)
def test_a_record_whose_content_makes_no_sense_is_damaged_too(tmp_path, field, value, wrong):
    entry = deployed.record(bento("1"), 3001, tmp_path)
    (tmp_path / "recommender.json").write_text(json.dumps({**entry.__dict__, field: value}))
    assert wrong in deployed.damaged(tmp_path)["recommender"]


def test_a_record_of_a_model_that_nobody_knows_is_damaged_too(tmp_path):
    deployed.record(bento("1", "soil-oracle"), 3009, tmp_path)
    assert "'soil-oracle'" in deployed.damaged(tmp_path)["soil-oracle"]


def test_a_bento_that_serves_is_not_pruned_because_its_record_was_damaged(tmp_path):
    entry = deployed.record(bento("1"), 3001, tmp_path)
    (tmp_path / "recommender.json").write_text("{")
    assert deployed.tags("recommender", tmp_path) == {entry.tag}


def test_a_crash_while_recording_leaves_the_old_record(tmp_path, monkeypatch):
    deployed.record(bento("1"), 3001, tmp_path)

    def crash(fd):
        raise OSError("disk full")

    monkeypatch.setattr(deployed.os, "fsync", crash)
    with pytest.raises(OSError, match="disk full"):
        deployed.write_whole(tmp_path / "recommender.json", b"{}")
    monkeypatch.undo()
    assert deployed.current("recommender", tmp_path).version == "1"
    assert not list(tmp_path.glob(".*"))
