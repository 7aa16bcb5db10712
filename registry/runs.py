"""What is logged as runs: trainings, searches, drift reports."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from models.evaluation import Recipe
from registry import entities, run_content, trainings
from registry.connection import Connected, account
from registry.records import Training, Version
from registry.searches import Search, SearchRun

DRIFT = "-drift"
"""Ends the name of the experiment that holds a model's drift reports, so that they lie apart from its trainings."""


class Runs(Connected):
    """The runs of a registry, written."""

    def log_training(self, training: Training) -> Version:
        """Log a training as a run, register its model, and call it challenger if it passed its gate on the newest data.

        Nothing is registered unless everything was logged: a run that broke off is marked as failed. The same training
        given again, because the answer to the first try was lost, completes what is there.

        Raises:
            UnsafeArtifact: A file of the model could run code when it is read.
            RegistryUnreachable: MLflow stopped answering.
        """
        with self._mlflow.client() as client:
            return entities.version_of(trainings.log(client, training, account()))

    def log_report(
        self, name: str, title: str, folder: Path, metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> str:
        """Keep a drift report, a folder of files with figures and tags, as a run in the model's experiment for drift.

        Returns:
            The run's id.
        """
        from mlflow.entities import RunTag

        with self._mlflow.client() as client:
            run_id = str(client.create_run(entities.experiment(client, f"{name}{DRIFT}"), run_name=title).info.run_id)
            noted = [RunTag(key, value) for key, value in tags.items()]
            client.log_batch(run_id, run_content.as_metrics(metrics), tags=noted)
            client.log_artifacts(run_id, str(folder))
            client.set_terminated(run_id)
            return run_id

    def open_search(self, search: Search) -> SearchRun:
        """The run that a search's trials become children of; the same run where the search goes on after a break.

        Raises:
            RegistryUnreachable: MLflow stopped answering.
        """
        return SearchRun(self._mlflow, replace(search, who=account()))


def noise_key(recipe: Recipe) -> str:
    """What has the same refit noise: a recipe but for its seed."""
    kept = {name: value for name, value in recipe.params.items() if name != "seed"}
    return Recipe(algorithm=recipe.algorithm, params=kept).model_dump_json()
