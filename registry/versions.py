"""What versions there are, where each comes from, and the documents of its run; nothing here changes any."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.bootstrap import RefitNoise
from models.evaluation import Recipe
from registry import entities, promotion, run_content
from registry.connection import Connected, is_missing
from registry.records import DIGEST, NOISE, RECIPE, THREADS, Lineage, Version, VersionInfo
from registry.runs import noise_key


class Versions(Connected):
    """The versions of a registry, read."""

    def version(self, name: str, number: int) -> Version:
        """A version by its number.

        Raises:
            VersionNotFound: There is none.
        """
        info = self._info(name, number)
        return Version(name, number, info.run_id, info.tags.get(DIGEST, ""), f"models:/{name}/{number}")

    def versions(self, name: str) -> list[VersionInfo]:
        """All versions of a model, newest first; an empty list for a model that nobody trained yet."""
        with self._mlflow.client() as client:
            return entities.infos(client, name)

    def recipe(self, name: str, number: int) -> Recipe:
        """The recipe that a version was trained with."""
        return entities.recipe_of(name, self._info(name, number))

    def noises(self, name: str) -> dict[str, RefitNoise]:
        """Refit noise by `noise_key`, as the newest version of each recipe that has it measured says."""
        known = [version for version in self.versions(name) if NOISE in version.tags and RECIPE in version.tags]
        return {
            noise_key(entities.recipe_of(name, version)): RefitNoise(**json.loads(version.tags[NOISE]))
            for version in reversed(known)
        }

    def lineage(self, name: str, number: int) -> Lineage:
        """Where a version comes from: run, commit, recipe, and its training set with the contract's result."""
        info = self._info(name, number)
        return Lineage(
            name=name,
            number=number,
            run_id=info.run_id,
            digest=info.tags.get(DIGEST, ""),
            commit=info.tags.get("commit", "unknown"),
            recipe=entities.recipe_of(name, info),
            dataset=self.dataset(info.run_id),
            created=info.created,
            threads=json.loads(info.tags.get(THREADS, "{}")),
        )

    def dataset(self, run_id: str) -> dict[str, Any]:
        """The training set of a run, as it was given to `log_training`."""
        return self.document(run_id, "dataset")

    def document(self, run_id: str, name: str) -> dict[str, Any]:
        """One of a run's documents: `dataset`, `evaluation`, `recipe` or `gate`."""
        with self._mlflow.client() as client, tempfile.TemporaryDirectory(prefix="agro-lineage-") as scratch:
            return dict(json.loads(Path(client.download_artifacts(run_id, f"{name}.json", scratch)).read_text()))

    def trained_before(self, name: str, recipe: Recipe, dataset: Mapping[str, Any], commit: str) -> VersionInfo | None:
        """The newest version of just this recipe on just these rows by just this code; None where there is none.

        `dataset` is the training set as it would be logged: its rows and, where it has one, its catalogue have to be
        the same.

        Training is deterministic, so training it again would give the same model. Code with changes that no commit
        holds is never the same.
        """
        if commit == "unknown" or commit.endswith("-dirty"):
            return None
        wanted = {RECIPE: recipe.model_dump_json(), "commit": commit, **run_content.hashes(dataset)}
        found = (version for version in self.versions(name) if wanted.items() <= version.tags.items())
        return next(found, None)

    def _info(self, name: str, number: int) -> VersionInfo:
        from mlflow.exceptions import MlflowException

        with self._mlflow.client() as client:
            try:
                return entities.info_of(client.get_model_version(name, str(number)), {})
            except MlflowException as exc:
                if not is_missing(exc):
                    raise
        return promotion.find(name, self.versions(name), number)
