"""What a training leaves in MLflow, once, whatever happens to the answers; against a real server."""

from datetime import UTC, datetime, timedelta

import pytest

from models.bootstrap import RefitNoise
from models.evaluation import Recipe
from registry.errors import RegistryUnreachable, StaleChoice
from registry.registry import Registry
from registry.runs import noise_key
from registry.settings import MLflowSettings
from tests.fixtures.lossy import lossy


@pytest.fixture
def client(mlflow_settings):
    from mlflow import MlflowClient

    return MlflowClient(mlflow_settings.uri, mlflow_settings.uri)


def runs_in(client, experiment):
    return client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def until(training, day):
    """A training on data of before that day."""
    made = training()
    return training(dataset=made.dataset | {"as_of": datetime(2024, 5, day, tzinfo=UTC).isoformat()})


@pytest.mark.parametrize("ending", ["/runs/create", "/logged-models", "/model-versions/create", "/runs/update"])
def test_a_training_whose_answer_was_lost_is_registered_once(
    registry, mlflow_settings, client, training, name, ending, monkeypatch
):
    """MLflow's client asks three times before it gives up, the server does the work each time; then we ask again."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    made = training()
    with lossy(mlflow_settings.uri) as (address, losses):
        unlucky = Registry.connect(MLflowSettings(tracking_uri=address))
        losses.left[ending] = 3
        with pytest.raises(RegistryUnreachable):
            unlucky.log_training(made)
        version = unlucky.log_training(made)
    (run,) = runs_in(client, name)
    assert (run.info.run_id, run.info.status) == (version.run_id, "FINISHED")
    assert [found.number for found in registry.versions(name)] == [version.number]
    assert registry.challenger(name) == version
    models = client.search_logged_models([run.info.experiment_id])
    assert [str(model.status) for model in models] == ["READY"]
    assert registry.golden(name, version.number) == made.golden


def test_another_training_of_the_same_recipe_is_another_version(registry, training, name):
    assert [registry.log_training(training()).number for _ in range(2)] == [1, 2]


def test_a_training_on_older_data_does_not_take_the_alias_challenger(registry, training, name):
    today = registry.log_training(until(training, 20))
    registry.log_training(until(training, 3))
    assert registry.challenger(name) == today
    assert registry.log_training(until(training, 20)) == registry.challenger(name)
    newest, older, first = registry.versions(name)
    assert (older.as_of, older.algorithm) == (datetime(2024, 5, 3, tzinfo=UTC), "times")
    assert (newest.aliases, older.aliases, first.aliases) == (("challenger",), (), ())


def test_a_challenger_on_older_data_than_the_champions_has_to_be_named(registry, training, name):
    registry.log_training(until(training, 3))
    registry.log_training(training(dataset=until(training, 20).dataset, good=False))
    registry.promote(name, 2, force=True)
    with pytest.raises(StaleChoice, match=r"version 1 \(data until 2024-05-03\), is older than the champion"):
        registry.promote(name)
    assert registry.promote(name, 1).number == 1


def test_a_run_lasts_as_long_as_the_training_did(registry, client, training):
    ended = datetime.now(UTC) - timedelta(seconds=30)
    version = registry.log_training(training(seconds=300.0, ended=ended))
    info = client.get_run(version.run_id).info
    assert info.end_time == pytest.approx(ended.timestamp() * 1000, abs=2)
    assert info.end_time - info.start_time == pytest.approx(300_000, abs=2)


def test_every_hyperparameter_is_a_parameter_of_its_own(registry, client, training, evaluation):
    found = evaluation([0.5, 0.6])
    found.protocol["chosen"] = {"reg": 30.0, "profile": {"one": 0.5, "rel2": 2.0}}
    recipe = Recipe(algorithm="times", params={"trends": {"7": 0.1}, "seed": 3})
    params = client.get_run(registry.log_training(training(recipe=recipe, evaluation=found)).run_id).data.params
    assert params == {
        "algorithm": "times", "trends.7": "0.1", "seed": "3", "chosen.reg": "30.0", "chosen.profile.one": "0.5",
        "chosen.profile.rel2": "2.0", "protocol.name": "user-holdout", "protocol.k": "10",
    }  # fmt: skip


def test_threads_and_refit_noise_are_part_of_what_a_version_says(registry, training, evaluation, name):
    noise = RefitNoise(0.004, 3)
    recipe = Recipe(algorithm="times", params={"factor": 2.0, "seed": 5})
    made = training(threads={"blas": 1}, recipe=recipe, evaluation=evaluation([0.5], refit_noise=noise))
    registry.log_training(made)
    assert registry.lineage(name, 1).threads == {"blas": 1}
    other_seed = Recipe(algorithm="times", params={"factor": 2.0, "seed": 9})
    assert registry.noises(name) == {noise_key(other_seed): noise}


def test_drift_reports_lie_in_an_experiment_of_their_own(registry, client, training, name, tmp_path):
    trained = registry.log_training(training())
    (tmp_path / "report.html").write_text("<p>drift</p>")
    reported = registry.log_report(name, "week 20", tmp_path, {"alarm": 1.0}, {})
    assert [run.info.run_id for run in runs_in(client, name)] == [trained.run_id]
    assert [run.info.run_id for run in runs_in(client, f"{name}-drift")] == [reported]


def test_an_experiment_that_somebody_made_gets_the_kind_that_opens_on_its_runs(registry, client, training, name):
    client.create_experiment(name)
    registry.log_training(training())
    assert client.get_experiment_by_name(name).tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_version_that_could_not_be_told_is_promoted_by_its_number_and_only_so(registry, training, evaluation, name):
    from registry.errors import VersionNotFound
    from registry.gate import decide

    few = evaluation([0.5, 0.6], [0.1, 0.2])
    registry.log_training(training(evaluation=few, decision=decide(few, None, 0.01)))
    assert registry.challenger(name) is None
    with pytest.raises(VersionNotFound, match=f"for version 1 it cannot tell: .* `agro promote {name} 1`"):
        registry.promote(name)
    assert registry.promote(name, 1) == registry.champion(name)
