"""Logging a training to MLflow: once, however often it is tried.

An answer may be lost after the server did the work, and MLflow's client sends a request again of its own accord. So a
run carries the id of its training, what is there already is completed instead of made again, and what was made twice
is removed.
"""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from registry import entities, packing, promotion, run_content
from registry.records import CHALLENGER, DIGEST, TRAINING, Training

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


def log(client: "MlflowClient", training: Training, who: str) -> "ModelVersion":
    """The version of a training, logged and registered unless it is already."""
    with tempfile.TemporaryDirectory(prefix="agro-run-") as folder:
        scratch = Path(folder)
        files, digest = packing.pack_model(training, scratch)
        experiment = entities.experiment(client, training.name)
        run_id = _run(client, experiment, training, run_content.run_tags(training, digest, who), digest)
        try:
            version = _only_version(client, training.name, run_id)
            if version is None:
                _fill(client, training, experiment, run_id, files, digest, scratch)
                version = _create_version(client, training, experiment, run_id, digest)
            if training.decision.passed:
                _call_challenger(client, version)
        except BaseException:
            entities.give_up(client, run_id)
            raise
        client.set_terminated(run_id, end_time=_ms(training.ended))
        return version


def _run(client: "MlflowClient", experiment: str, training: Training, tags: dict[str, str], digest: str) -> str:
    """The training's run, from an earlier try or a new one; it began when the training did."""
    if not _runs_of(client, experiment, training):
        began = _ms(training.ended) - int(training.seconds * 1000)
        name = f"{training.recipe.algorithm}-{digest[:7]}"
        client.create_run(experiment, start_time=began, tags=tags, run_name=name)
    first, *twice = _runs_of(client, experiment, training)
    for run_id in twice:
        client.delete_run(run_id)
    client.update_run(first, status="RUNNING")
    return first


def _runs_of(client: "MlflowClient", experiment: str, training: Training) -> list[str]:
    found = client.search_runs([experiment], f"tags.{TRAINING} = '{training.id}'")
    return sorted(str(run.info.run_id) for run in found)


def _fill(
    client: "MlflowClient", training: Training, experiment: str, run_id: str, files: Path, digest: str, scratch: Path
) -> None:
    """Everything that the run and its model hold."""
    from mlflow.entities import LoggedModelOutput, RunTag
    from mlflow.models import Model

    model_id = _logged_model(client, training, experiment, run_id, digest)
    pyfunc = packing.pack_pyfunc(files, Model(run_id=run_id, model_id=model_id), scratch)
    note, _ = run_content.notes(training, run_id)
    client.log_inputs(run_id, [run_content.dataset_input(training)])
    params, metrics = run_content.params(training), run_content.metrics(training, model_id, run_id)
    client.log_batch(run_id, metrics, params, [RunTag("mlflow.note.content", note)])
    client.log_artifacts(run_id, str(packing.pack_run(training, digest, scratch)))
    client.log_model_artifacts(model_id, str(pyfunc))
    client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])
    client.finalize_logged_model(model_id, "READY")


def _logged_model(
    client: "MlflowClient", training: Training, experiment: str, run_id: str, digest: str
) -> str:  # fmt: skip
    """MLflow's record of the model, from an earlier try or a new one."""
    if not _models_of(client, experiment, run_id):
        params = {param.key: param.value for param in run_content.params(training)}
        client.create_logged_model(experiment, training.name, run_id, {DIGEST: digest}, params)
    first, *twice = _models_of(client, experiment, run_id)
    for model_id in twice:
        client.delete_logged_model(model_id)
    return first


def _models_of(client: "MlflowClient", experiment: str, run_id: str) -> list[str]:
    found = client.search_logged_models([experiment], f"source_run_id = '{run_id}'")
    return sorted(str(model.model_id) for model in found)


def _create_version(
    client: "MlflowClient", training: Training, experiment: str, run_id: str, digest: str
) -> "ModelVersion":
    (model_id,) = _models_of(client, experiment, run_id)
    _, description = run_content.notes(training, run_id)
    entities.ensure_registered(client, training.name)
    client.create_model_version(
        training.name, f"models:/{model_id}", run_id, run_content.version_tags(training, digest),
        description=description, await_creation_for=0, model_id=model_id,
    )  # fmt: skip
    version = _only_version(client, training.name, run_id)
    if version is None:
        raise RuntimeError(f"{training.name}: MLflow made a version of run {run_id} and does not know it")
    return version


def _only_version(client: "MlflowClient", name: str, run_id: str) -> "ModelVersion | None":
    """The run's version; None where it has none yet. What was made twice is deleted but the first."""
    found = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    if not found:
        return None
    first, *twice = sorted(found, key=lambda version: int(version.version))
    for version in twice:
        client.delete_model_version(name, str(version.version))
    return client.get_model_version(name, str(first.version))


def _call_challenger(client: "MlflowClient", version: "ModelVersion") -> None:
    """Give the version the alias, unless a version of newer data holds it."""
    if promotion.takes_challenger(entities.info_of(version, {}), entities.infos(client, version.name)):
        client.set_registered_model_alias(version.name, CHALLENGER, str(version.version))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
