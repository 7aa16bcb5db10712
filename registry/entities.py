"""MLflow's versions, aliases and experiments, read as ours."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from models.evaluation import Recipe
from registry.connection import is_missing
from registry.errors import RegistryError
from registry.records import DIGEST, METRICS, RECIPE, Version, VersionInfo

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_KIND = ("mlflow.experimentKind", "custom_model_development")
"""What MLflow calls an experiment of trainings; without it, it guesses from the runs."""


def experiment(client: "MlflowClient", name: str) -> str:
    """The id of an experiment, made where missing and taken back where somebody deleted it."""
    found = client.get_experiment_by_name(name)
    if found is None:
        return client.create_experiment(name, tags=dict([_KIND]))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if _KIND[0] not in found.tags:
        client.set_experiment_tag(found.experiment_id, *_KIND)
    return found.experiment_id


def ensure_registered(client: "MlflowClient", name: str) -> None:
    """Make the registered model unless it is there."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as exc:
        if exc.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def give_up(client: "MlflowClient", run_id: str) -> None:
    """Mark a run as failed; where even that fails, the first error is the one to tell."""
    from mlflow.exceptions import MlflowException

    try:
        client.set_terminated(run_id, "FAILED")
    except MlflowException:
        return


def aliases_of(client: "MlflowClient", name: str) -> dict[int, tuple[str, ...]] | None:
    """Aliases by version number; None where the model is not registered."""
    from mlflow.exceptions import MlflowException

    try:
        by_alias = client.get_registered_model(name).aliases
    except MlflowException as exc:
        if is_missing(exc):
            return None
        raise
    numbers = {int(number) for number in by_alias.values()}
    return {wanted: tuple(sorted(a for a, n in by_alias.items() if int(n) == wanted)) for wanted in numbers}


def version_of(found: "ModelVersion") -> Version:
    """A version as callers hold it."""
    number = int(found.version)
    return Version(found.name, number, found.run_id or "", found.tags.get(DIGEST, ""), f"models:/{found.name}/{number}")


def info_of(found: "ModelVersion", aliases: Mapping[int, tuple[str, ...]]) -> VersionInfo:
    """A version as a list shows it; `aliases` by number."""
    number, tags = int(found.version), dict(found.tags)
    scores = {key: value for key, value in json.loads(tags.get(METRICS, "{}")).items() if value is not None}
    created = datetime.fromtimestamp(found.creation_timestamp / 1000, UTC)
    return VersionInfo(
        number, aliases.get(number, ()), tags.get("gate", "none"), scores, created, tags, found.run_id or ""
    )


def infos(client: "MlflowClient", name: str) -> list[VersionInfo]:
    """All versions of a model, newest first; an empty list for a model that is not registered."""
    aliases = aliases_of(client, name)
    if aliases is None:
        return []
    found: list[ModelVersion] = []
    token: str | None = ""
    while token is not None:
        page = client.search_model_versions(f"name = '{name}'", max_results=1000, page_token=token or None)
        found, token = [*found, *page], page.token or None
    return sorted((info_of(version, aliases) for version in found), key=lambda info: info.number, reverse=True)


def recipe_of(name: str, info: VersionInfo) -> Recipe:
    """The recipe that a version carries.

    Raises:
        RegistryError: It carries none.
    """
    if RECIPE not in info.tags:
        raise RegistryError(f"{name} version {info.number} carries no recipe; register it through a training")
    return Recipe.model_validate_json(info.tags[RECIPE])
