"""Against a real MLflow server."""

import hashlib
import json
from pathlib import Path

import pytest

from models import families
from models.evaluation import Recipe
from registry.errors import (
    DigestMismatch,
    GateFailed,
    NoChampion,
    RegistryError,
    StaleChoice,
    UnsafeArtifact,
    VersionNotFound,
)


@pytest.fixture
def client(mlflow_settings):
    from mlflow import MlflowClient

    return MlflowClient(mlflow_settings.uri, mlflow_settings.uri)


def pictures():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([1, 2, 3])
    return {"learning": figure}


def artifacts(client, run_id):
    found = {}
    for entry in client.list_artifacts(run_id):
        inner = [leaf.path for leaf in client.list_artifacts(run_id, entry.path)] if entry.is_dir else [entry.path]
        found[entry.path] = inner
    return sorted(leaf for inner in found.values() for leaf in inner)


def artifact_folder(mlflow_settings, client, version) -> Path:
    """Where the server keeps the version's own files."""
    uri = client.get_model_version_download_uri(version.name, str(version.number))
    return mlflow_settings.home / "artifacts" / uri.removeprefix("mlflow-artifacts:/") / "artifacts" / "model"


def test_a_training_becomes_a_run_that_holds_everything(registry, client, training, capfd):
    version = registry.log_training(training(pictures=pictures()))
    assert capfd.readouterr() == ("", "")
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {
        "algorithm": "times", "factor": "2.0", "layers": "[8, 4]", "protocol.name": "user-holdout", "protocol.k": "10",
    }  # fmt: skip
    assert run.data.metrics["score_at_10"] == pytest.approx(0.6)
    assert run.data.metrics["naive/score_at_10"] == pytest.approx(0.2)
    assert run.data.metrics["gain_over_naive/low"] == pytest.approx(0.4)
    assert run.data.tags["gate"] == "passed"
    assert run.data.tags["mlflow.source.git.commit"] == "0123456789abcdef0123456789abcdef01234567"
    assert run.data.tags["snapshot"] == "c0ffee" * 10
    assert run.data.tags["contract"] == "held (1 rules, 1234 rows checked)"
    assert run.data.tags["mlflow.note.content"].startswith("# " + version.name)
    assert artifacts(client, version.run_id) == [
        "card/model-card.html", "card/model-card.md", "dataset.json", "evaluation.json", "gate.json", "golden.json",
        "pictures/learning.png", "recipe.json",
    ]  # fmt: skip


def test_the_training_set_is_an_input_of_the_run(registry, client, training):
    version = registry.log_training(training())
    (found,) = client.get_run(version.run_id).inputs.dataset_inputs
    tags = {tag.key: tag.value for tag in found.tags}
    source = json.loads(found.dataset.source)
    assert (found.dataset.name, found.dataset.digest) == ("numbers", ("c0ffee" * 10)[:36])
    assert source["query"].startswith("SELECT number")
    assert source["params"] == {"as_of": "2024-05-01 00:00:00"}
    assert json.loads(found.dataset.profile)["num_rows"] == 1234
    assert tags["mlflow.data.context"] == "training"
    assert tags["as_of"] == "2024-05-01T00:00:00+00:00"
    assert tags["known_at"] == "2024-05-02T00:00:00+00:00"
    assert tags["contract"] == "held (1 rules, 1234 rows checked)"


def test_lineage_leads_from_a_version_to_its_training_set(registry, training):
    made = training()
    version = registry.log_training(made)
    lineage = registry.lineage(version.name, version.number)
    assert lineage.dataset == made.dataset
    assert lineage.recipe == made.recipe == registry.recipe(version.name, version.number)
    assert (lineage.commit, lineage.run_id, lineage.digest) == (made.commit, version.run_id, version.digest)


def test_a_version_that_passed_its_gate_is_challenger_and_nobody_made_it_champion(registry, training, name):
    version = registry.log_training(training())
    assert registry.challenger(name) == version
    assert registry.champion(name) is None
    assert (version.number, version.uri) == (1, f"models:/{name}/1")


def test_a_version_that_failed_its_gate_is_kept_but_leaves_the_challenger_alone(registry, training, name):
    first = registry.log_training(training())
    registry.log_training(training(good=False))
    second, one = registry.versions(name)
    assert registry.challenger(name) == first
    assert (second.number, second.gate, second.aliases) == (2, "failed", ())
    assert (one.number, one.gate, one.aliases) == (1, "passed", ("challenger",))
    assert "nothing is gained" in second.tags["gate.reasons"]
    assert one.metrics == {"score@10": pytest.approx(0.6)}
    assert json.loads(json.dumps(one.to_json()))["aliases"] == ["challenger"]


def test_a_model_that_nobody_trained_has_no_versions_and_no_champion(registry):
    assert registry.versions("never-trained") == []
    assert registry.champion("never-trained") is None
    with pytest.raises(VersionNotFound, match="no challenger"):
        registry.promote("never-trained")
    with pytest.raises(NoChampion, match="agro promote never-trained"):
        registry.resolve("never-trained")
    with pytest.raises(VersionNotFound, match="no version 3; it has: none; train one with `agro train never-trained`"):
        registry.recipe("never-trained", 3)


def test_a_version_that_failed_its_gate_is_not_promoted(registry, training, name):
    registry.log_training(training(good=False))
    with pytest.raises(GateFailed, match="did not pass its gate"):
        registry.promote(name, 1)
    assert registry.champion(name) is None
    assert registry.promote(name, 1, force=True).number == 1


def test_a_choice_made_against_another_champion_is_refused(registry, training, name):
    for factor in (1.0, 2.0):
        registry.log_training(training(factor))
    registry.promote(name, 1)
    registry.promote(name, 2, expected_champion=1)
    with pytest.raises(StaleChoice, match="the champion is version 2 by now, not version 1"):
        registry.promote(name, 1, expected_champion=1)


def test_a_deleted_alias_is_no_champion(registry, client, training, name):
    registry.log_training(training())
    registry.promote(name)
    client.delete_registered_model_alias(name, "champion")
    assert registry.champion(name) is None


def test_a_download_holds_the_models_files_golden_requests_and_manifest(registry, training, name, doubler, tmp_path):
    made = training(factor=2.5)
    version = registry.log_training(made)
    folder = registry.download(name, 1, tmp_path / "empty")
    assert sorted(path.name for path in folder.iterdir()) == [
        "arrays.npz",
        "golden.json",
        "manifest.json",
        "model.json",
    ]
    assert sorted(path.name for path in made.model_dir.iterdir()) == ["arrays.npz", "model.json"]
    assert registry.golden(name, 1) == [{"request": {"number": 3}, "answer": {"result": 7.5, "note": "none"}}]
    assert registry.digest(name, 1) == version.digest
    before = (folder / "arrays.npz").stat().st_mtime_ns
    assert registry.download(name, 1, folder) == folder
    assert (folder / "arrays.npz").stat().st_mtime_ns == before


def test_a_corrupted_artifact_is_refused_and_leaves_nothing_behind(
    registry, client, mlflow_settings, training, name, tmp_path
):
    """Guards P30."""
    version = registry.log_training(training())
    stored = artifact_folder(mlflow_settings, client, version) / "arrays.npz"
    stored.write_bytes(stored.read_bytes()[:-1] + b"x")
    with pytest.raises(DigestMismatch, match=r"arrays\.npz changed"):
        registry.download(name, 1, tmp_path / "to")
    assert not list(tmp_path.glob("to*")) and not list(tmp_path.glob(".download*"))


def test_a_pickle_that_was_slipped_in_is_refused(registry, client, mlflow_settings, training, name, tmp_path):
    """Guards P30."""
    version = registry.log_training(training())
    (artifact_folder(mlflow_settings, client, version) / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(UnsafeArtifact, match=r"model\.pkl"):
        registry.download(name, 1, tmp_path / "to")


def test_golden_requests_that_were_changed_are_refused(registry, client, mlflow_settings, training, name):
    version = registry.log_training(training())
    (artifact_folder(mlflow_settings, client, version) / "golden.json").write_text("[]")
    with pytest.raises(DigestMismatch, match=r"golden\.json"):
        registry.golden(name, 1)


def test_a_damaged_earlier_download_is_replaced_but_a_strangers_folder_is_not(registry, training, name, tmp_path):
    registry.log_training(training())
    folder = registry.download(name, 1, tmp_path / "mine")
    (folder / "arrays.npz").write_bytes(b"")
    assert (registry.download(name, 1, folder) / "arrays.npz").stat().st_size > 0
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RegistryError, match="holds something else"):
        registry.download(name, 1, tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_model_saved_as_a_pickle_is_not_logged_at_all(registry, training, name):
    """Guards P30."""
    made = training()
    (made.model_dir / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(UnsafeArtifact, match="can run code"):
        registry.log_training(made)
    assert registry.versions(name) == []


def test_a_run_that_broke_off_is_marked_as_failed_and_registers_nothing(registry, client, training, name):
    class Torn:
        def savefig(self, *args, **kwargs):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        registry.log_training(training(pictures={"torn": Torn()}))
    experiment = client.get_experiment_by_name(name).experiment_id
    assert [run.info.status for run in client.search_runs([experiment])] == ["FAILED"]
    assert registry.versions(name) == []


def test_mlflow_itself_loads_the_champion_without_pickle(registry, mlflow_settings, training, name, monkeypatch):
    """Guards P30."""
    import mlflow
    import pandas as pd

    registry.log_training(training(factor=2.0))
    registry.promote(name)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_settings.uri)
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    assert model.predict([{"number": 4}]) == [{"result": 8.0, "note": "none"}]
    frame = pd.DataFrame({"number": [1, 2], "note": ["hello", None]})
    assert model.predict(frame) == [{"result": 2.0, "note": "hello"}, {"result": 4.0, "note": "none"}]


def test_recipes_keep_their_types(registry, training, name):
    recipe = Recipe(algorithm="times", params={"factor": 0.1, "on": True, "sizes": [1, 2], "none": None, "word": "1"})
    registry.log_training(training(recipe=recipe))
    assert registry.recipe(name, 1) == recipe


def test_figures_that_are_not_numbers_do_not_stop_the_logging(registry, training, evaluation, name):
    found = evaluation([0.5, float("nan")], [0.1, float("nan")])
    found.metrics["ece"] = float("nan")
    registry.log_training(training(evaluation=found))
    assert registry.versions(name)[0].metrics == {"score@10": 0.5}


def test_a_report_is_kept_as_a_run_with_its_files(registry, client, name, tmp_path):
    (tmp_path / "report.html").write_text("<p>drift</p>")
    run_id = registry.log_report(name, "week 20", tmp_path, {"psi@user": 0.3}, {"verdict": "alarm"})
    run = client.get_run(run_id)
    assert run.data.metrics == {"psi_at_user": 0.3}
    assert run.data.tags["verdict"] == "alarm"
    assert artifacts(client, run_id) == ["report.html"]


def test_the_real_recommender_answers_the_same_from_memory_from_a_download_and_from_mlflow(
    registry, mlflow_settings, training, name, tmp_path, monkeypatch
):
    import mlflow

    family = families.family("recommender")
    data = purchases()
    recipe = family.default_recipe("popularity" if "popularity" in family.algorithms else family.default)
    model = family.fit(data, recipe)
    model.save(tmp_path / "saved")
    golden = family.golden(model, data)
    registry.log_training(training(recipe=recipe, model_dir=tmp_path / "saved", golden=golden))
    registry.promote(name)
    downloaded = family.load(registry.download(name, 1, tmp_path / "downloaded"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_settings.uri)
    loaded = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    requests = [pair["request"] for pair in registry.golden(name, 1)]
    answers = [pair["answer"] for pair in golden]
    assert len(answers) > 1
    assert [downloaded.answer(request) for request in requests] == answers
    assert loaded.predict(requests) == answers


def purchases():
    """Forty users of two tastes: even users buy even items."""
    import pandas as pd

    from models.recommendation.data import RecommenderData

    rows = [(f"u{user:02}", f"i{item:02}") for user in range(40) for item in range(24) if (user + item) % 2 == 0]
    rows = [row for place, row in enumerate(rows) if place % 5]
    times = pd.date_range("2024-01-01", periods=len(rows), freq="h", tz="UTC")
    users, items = zip(*rows, strict=True)
    frame = pd.DataFrame({"user_id": users, "item_id": items, "timestamp": times})
    return RecommenderData(frame.assign(event_type="purchase", quantity=1.0, price=2.0))


CATALOGUE = {"catalogue": {"kind": "catalogue", "content_hash": "ca7" * 20}}


def test_a_version_of_the_same_recipe_rows_catalogue_and_code_is_found(registry, training):
    logged = training().dataset | CATALOGUE
    made = training(dataset=logged)
    version = registry.log_training(made)
    asked = (made.name, made.recipe)
    assert registry.trained_before(*asked, logged, made.commit).number == version.number
    for other in ({"content_hash": "beef"}, {"catalogue": {"content_hash": "beef"}}):
        assert registry.trained_before(*asked, logged | other, made.commit) is None
    assert registry.trained_before(*asked, logged, made.commit + "-dirty") is None


def test_a_version_whose_catalogue_was_not_kept_is_not_taken_for_the_same(registry, training):
    made = training()
    registry.log_training(made)
    asked = (made.name, made.recipe)
    assert registry.trained_before(*asked, made.dataset, made.commit) is not None
    assert registry.trained_before(*asked, made.dataset | CATALOGUE, made.commit) is None


def test_the_hashes_of_a_versions_files_are_those_of_its_files(registry, training, tmp_path):
    version = registry.log_training(training())
    folder = registry.download(version.name, version.number, tmp_path / "files")
    assert registry.files(version.name, version.number) == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }
