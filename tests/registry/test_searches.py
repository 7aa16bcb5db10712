"""Against a real MLflow server."""

import json

import pytest

from registry.searches import Search, Trial
from tests.registry.conftest import DATASET


@pytest.fixture
def client(mlflow_settings):
    from mlflow import MlflowClient

    return MlflowClient(mlflow_settings.uri, mlflow_settings.uri)


@pytest.fixture
def search(name):
    return Search(name, "hybrid", f"key-{name}", "ndcg@10", DATASET, {"seed": 0, "range.reg": "low 1, high 9, log"})


TRIALS = [
    Trial(0, {"reg": 3.0, "profile": {"one": 1.0, "rel2": 0.5}}, "done", 0.25, 2.0),
    Trial(1, {"reg": 9.0, "profile": {}}, "failed", None, 1.0, "MemoryError: too large"),
    Trial(2, {"reg": 5.0, "profile": {"one": 1.0}}, "done", 0.5, 3.0),
    Trial(3, {"reg": 7.0, "profile": {}}, "pruned", None, 0.5, "the time was up"),
]
SUMMARY = {"model": "recommender", "params": {"reg": 5.0}, "trials": {"done": 2, "failed": 1, "pruned": 1}, "seed": 0}


def pictures():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([1, 2, 3])
    return {"optimisation_history.png": figure}


def log(registry, search, trials, finish=True):
    with registry.open_search(search) as run:
        for trial in trials:
            run.add(trial)
        if finish:
            run.finish(SUMMARY, {"best": 0.5, "gain/low": 0.1}, pictures())
    return run


def children(client, run):
    experiment = client.get_run(run.run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.run_id}'")
    return sorted(found, key=lambda child: int(child.data.tags["trial"]))


def test_each_trial_is_a_child_of_the_search_and_says_what_came_of_it(registry, client, search, capfd):
    run = log(registry, search, TRIALS)
    assert capfd.readouterr() == ("", "")
    found = children(client, run)
    assert [child.info.status for child in found] == ["FINISHED", "FAILED", "FINISHED", "KILLED"]
    assert [child.data.metrics.get("ndcg_at_10") for child in found] == [0.25, None, 0.5, None]
    assert [child.data.metrics["seconds"] for child in found] == [2.0, 1.0, 3.0, 0.5]
    assert found[0].data.params == {"reg": "3.0", "profile.one": "1.0", "profile.rel2": "0.5"}
    assert found[1].data.tags["error"] == "MemoryError: too large"
    assert [child.data.tags["state"] for child in found] == ["done", "failed", "done", "pruned"]


def test_the_parent_has_the_summary_the_training_set_and_the_pictures(registry, client, search):
    run = log(registry, search, TRIALS)
    parent = client.get_run(run.run_id)
    (dataset,) = parent.inputs.dataset_inputs
    assert client.get_experiment(parent.info.experiment_id).name == search.name
    assert parent.info.status == "FINISHED"
    assert parent.data.params == {"algorithm": "hybrid", "seed": "0", "range.reg": "low 1, high 9, log"}
    assert parent.data.metrics["best"] == 0.5 and parent.data.metrics["gain/low"] == 0.1
    assert json.loads(parent.data.tags["best"]) == {"reg": 5.0}
    assert parent.data.tags["snapshot"] == DATASET["content_hash"]
    assert dataset.dataset.name == "numbers"
    assert {row.path for row in client.list_artifacts(run.run_id)} == {"search.json", "optimisation_history.png"}
    assert registry.document(run.run_id, "search") == SUMMARY
    steps = client.get_metric_history(run.run_id, "ndcg_at_10")
    assert [(row.step, row.value) for row in steps] == [(0, 0.25), (2, 0.5)]
    assert run.url.endswith(f"/runs/{run.run_id}")


def test_a_search_that_goes_on_has_the_same_run_and_no_trial_twice(registry, client, search):
    first = log(registry, search, TRIALS[:2], finish=False)
    again = log(registry, search, TRIALS)
    assert again.run_id == first.run_id
    assert [child.data.tags["trial"] for child in children(client, again)] == ["0", "1", "2", "3"]
    assert client.get_run(again.run_id).info.status == "FINISHED"


def test_a_search_that_broke_is_marked_as_failed_until_it_goes_on(registry, client, search):
    with pytest.raises(RuntimeError), registry.open_search(search) as run:
        raise RuntimeError("power cut")
    parent = client.get_run(run.run_id)
    assert (parent.info.status, parent.data.tags["error"]) == ("FAILED", "RuntimeError: power cut")
    with registry.open_search(search):
        parent = client.get_run(run.run_id)
        assert parent.info.status == "RUNNING" and "error" not in parent.data.tags


def test_a_search_registers_nothing(registry, search):
    log(registry, search, TRIALS)
    assert registry.versions(search.name) == []
