"""The model registry: versions with their gate, the aliases that say what serves, and files proven by digest."""

import getpass
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.evaluation import Recipe, RefitNoise
from registry import digests, entities, packing, promotion, runs, trainings
from registry.connection import Connection, is_missing
from registry.errors import DigestMismatch, RegistryError, StaleChoice
from registry.searches import Search, SearchRun
from registry.settings import MLflowSettings
from registry.versions import (
    CHALLENGER,
    CHAMPION,
    DIGEST,
    HISTORY,
    NOISE,
    RECIPE,
    ROLLOUT,
    THREADS,
    Lineage,
    Served,
    Training,
    Version,
    VersionInfo,
    history_of,
    history_tag,
)

DRIFT = "-drift"
"""Ends the name of the experiment that holds a model's drift reports, so that they lie apart from its trainings."""

if TYPE_CHECKING:
    from mlflow import MlflowClient
__all__ = ["Lineage", "Registry", "Served", "Training", "Version", "VersionInfo"]


class Registry:
    """MLflow as the project uses it. One object may serve several threads."""

    def __init__(self, connection: Connection) -> None:
        self._mlflow = connection

    @classmethod
    def connect(cls, settings: MLflowSettings) -> "Registry":
        """A registry on a server that answers.

        Raises:
            RegistryUnreachable: It does not; known within `settings.ping_timeout_s`.
        """
        return cls(Connection(settings))

    @property
    def uri(self) -> str:
        """Address of the MLflow server."""
        return self._mlflow.uri

    def log_training(self, training: Training) -> Version:
        """Log a training as a run, register its model, and call it challenger if it passed its gate on the newest data.

        Nothing is registered unless everything was logged: a run that broke off is marked as failed. The same training
        given again, because the answer to the first try was lost, completes what is there.

        Raises:
            UnsafeArtifact: A file of the model could run code when it is read.
            RegistryUnreachable: MLflow stopped answering.
        """
        with self._mlflow.client() as client:
            return entities.version_of(trainings.log(client, training, _who()))

    def champion(self, name: str) -> Version | None:
        """The version that a person chose to serve, None where there is none."""
        return self._holder(name, CHAMPION)

    def challenger(self, name: str) -> Version | None:
        """The version on the newest data that passed its gate, None where there is none."""
        return self._holder(name, CHALLENGER)

    def _holder(self, name: str, alias: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        with self._mlflow.client() as client:
            try:
                return entities.version_of(client.get_model_version_by_alias(name, alias))
            except MlflowException as exc:
                if is_missing(exc) or getattr(exc, "error_code", "") == "INVALID_PARAMETER_VALUE":
                    return None
                raise

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

    def promote(
        self, name: str, number: int | None = None, *,
        again: bool = False, force: bool = False, expected_champion: int | None = None, reason: str = "",
    ) -> Version:  # fmt: skip
        """Make a version champion: `number`, or else the challenger. The champion itself stays what it is.

        Args:
            name: Registered model.
            number: The version; None: the challenger.
            again: A version that a rollback rejected is meant all the same; its rejection is taken back.
            force: A version that failed its gate is meant all the same.
            expected_champion: The champion that the choice was made against, where that matters.
            reason: Kept in the history.

        Raises:
            VersionNotFound: There is no such version, or no challenger.
            GateFailed: It did not pass its gate.
            VersionRejected: A rollback rejected it.
            StaleChoice: The champion is another one, or is newer than the challenger.
        """
        versions = self.versions(name)
        champion = promotion.holder(versions, CHAMPION)
        if expected_champion is not None and (champion is None or champion.number != expected_champion):
            now = f"version {champion.number}" if champion else "none"
            raise StaleChoice(f"{name}: the champion is {now} by now, not version {expected_champion}; look again")
        chosen = promotion.choose(name, versions, number, again=again, force=force)
        with self._mlflow.client() as client:
            if chosen.rejected is not None:
                client.delete_model_version_tag(name, str(chosen.number), ROLLOUT)
            if champion is None or champion.number != chosen.number:
                self._move(client, name, versions, chosen, "promote", reason)
        return self.version(name, chosen.number)

    def rollback(self, name: str, reason: str = "rolled back by hand") -> Version:
        """Move `champion` back to the version that had it before, and mark the one that loses it as rejected.

        Raises:
            NoChampion: No version is champion.
            NothingToRollBackTo: No earlier champion is left that was not rejected.
        """
        versions = self.versions(name)
        champion, before = promotion.previous(name, versions)
        with self._mlflow.client() as client:
            client.set_model_version_tag(name, str(champion.number), ROLLOUT, f"rejected:{reason}")
            self._move(client, name, versions, before, "rollback", reason)
        return self.version(name, before.number)

    def _move(
        self, client: "MlflowClient", name: str, versions: list[VersionInfo], to: VersionInfo, by: str, reason: str
    ) -> None:
        self._note_unseen(client, name, versions)
        entry = Served(to.number, _now(), by, _who(), reason)
        client.set_model_version_tag(name, str(to.number), HISTORY, history_tag(to, entry))
        client.set_registered_model_alias(name, CHAMPION, str(to.number))

    def _note_unseen(self, client: "MlflowClient", name: str, versions: list[VersionInfo]) -> None:
        entry = _unseen(versions)
        if entry is not None:
            version = promotion.find(name, versions, entry.version)
            client.set_model_version_tag(name, str(entry.version), HISTORY, history_tag(version, entry))

    def history(self, name: str) -> list[Served]:
        """What was champion when, oldest first, with a move in MLflow that nobody has noted yet as the last."""
        versions = self.versions(name)
        unseen = _unseen(versions)
        return history_of(versions) + ([unseen] if unseen else [])

    def observe(self, name: str) -> Version | None:
        """The champion, noting it in the history if somebody moved the alias in MLflow."""
        versions = self.versions(name)
        with self._mlflow.client() as client:
            self._note_unseen(client, name, versions)
        champion = promotion.holder(versions, CHAMPION)
        return self.version(name, champion.number) if champion else None

    def tag(self, name: str, number: int, key: str, value: str) -> None:
        """Note something on a version."""
        with self._mlflow.client() as client:
            client.set_model_version_tag(name, str(number), key, value)

    def download(self, name: str, number: int, to: Path) -> Path:
        """Fetch a version's own files into `to` and prove that they are the registered ones.

        They appear in `to` only when that is proven. A folder that holds them already is left as it is.

        Raises:
            DigestMismatch: They are not, or the version carries no digest; nothing is left behind.
            VersionNotFound: There is no such version.
            RegistryError: `to` holds something else.
        """
        digest = self.digest(name, number)
        if _holds(to, digest):
            return to
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=to.parent) as scratch:
            files = self._fetch(name, number, packing.MODEL, Path(scratch))
            digests.verify(files, digest)
            shutil.rmtree(to, ignore_errors=True)
            files.rename(to)
        return to

    def _fetch(self, name: str, number: int, path: str, scratch: Path) -> Path:
        with self._mlflow.client() as client:
            from mlflow.artifacts import download_artifacts

            root = client.get_model_version_download_uri(name, str(number))
            return Path(download_artifacts(f"{root}/{path}", dst_path=str(scratch), tracking_uri=self.uri))

    def digest(self, name: str, number: int) -> str:
        """The digest that a version's files must have.

        Raises:
            DigestMismatch: The version carries none.
        """
        digest = self._info(name, number).tags.get(DIGEST, "")
        if not digest:
            raise DigestMismatch(f"{name} version {number} carries no digest; register it through a training")
        return digest

    def golden(self, name: str, number: int) -> list[dict[str, Any]]:
        """The version's golden requests with the model's own answers, proven by digest."""
        digest = self.digest(name, number)
        with tempfile.TemporaryDirectory(prefix="agro-golden-") as scratch:
            folder = Path(scratch)
            for file in (digests.MANIFEST, packing.GOLDEN):
                self._fetch(name, number, f"{packing.MODEL}/{file}", folder)
            digests.verify_file(folder, packing.GOLDEN, digest)
            return list(runs.read_document(str(folder / packing.GOLDEN)))

    def files(self, name: str, number: int) -> dict[str, str]:
        """SHA-256 of each of a version's own files by its path, proven by digest, without fetching them."""
        digest = self.digest(name, number)
        with tempfile.TemporaryDirectory(prefix="agro-manifest-") as scratch:
            self._fetch(name, number, f"{packing.MODEL}/{digests.MANIFEST}", Path(scratch))
            return digests.registered(Path(scratch), digest)

    def recipe(self, name: str, number: int) -> Recipe:
        """The recipe that a version was trained with."""
        return entities.recipe_of(name, self._info(name, number))

    def noises(self, name: str) -> dict[str, RefitNoise]:
        """Refit noise by `runs.noise_key`, as the newest version of each recipe that has it measured says."""
        known = [version for version in self.versions(name) if NOISE in version.tags and RECIPE in version.tags]
        return {
            runs.noise_key(entities.recipe_of(name, version)): RefitNoise(**json.loads(version.tags[NOISE]))
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
            return dict(runs.read_document(client.download_artifacts(run_id, f"{name}.json", scratch)))

    def trained_before(self, name: str, recipe: Recipe, dataset: Mapping[str, Any], commit: str) -> VersionInfo | None:
        """The newest version of just this recipe on just these rows by just this code; None where there is none.

        `dataset` is the training set as it would be logged: its rows and, where it has one, its catalogue have to be
        the same.

        Training is deterministic, so training it again would give the same model. Code with changes that no commit
        holds is never the same.
        """
        if commit == "unknown" or commit.endswith("-dirty"):
            return None
        wanted = {RECIPE: recipe.model_dump_json(), "commit": commit, **runs.hashes(dataset)}
        found = (version for version in self.versions(name) if wanted.items() <= version.tags.items())
        return next(found, None)

    def log_report(
        self, name: str, title: str, folder: Path, metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> str:
        """Keep a drift report, a folder of files with figures and tags, as a run in the model's experiment for drift.

        Returns:
            The run's id.
        """
        from mlflow.entities import Metric, RunTag

        with self._mlflow.client() as client:
            run_id = str(client.create_run(entities.experiment(client, f"{name}{DRIFT}"), run_name=title).info.run_id)
            now = int(datetime.now(UTC).timestamp() * 1000)
            entries = [Metric(runs.key_of(key), float(value), now, 0) for key, value in metrics.items()]
            client.log_batch(run_id, entries, tags=[RunTag(key, value) for key, value in tags.items()])
            client.log_artifacts(run_id, str(folder))
            client.set_terminated(run_id)
            return run_id

    def open_search(self, search: Search) -> SearchRun:
        """The run that a search's trials become children of; the same run where the search goes on after a break.

        Raises:
            RegistryUnreachable: MLflow stopped answering.
        """
        return SearchRun(self._mlflow, replace(search, who=_who()))

    def _info(self, name: str, number: int) -> VersionInfo:
        from mlflow.exceptions import MlflowException

        with self._mlflow.client() as client:
            try:
                return entities.info_of(client.get_model_version(name, str(number)), {})
            except MlflowException as exc:
                if not is_missing(exc):
                    raise
        return promotion.find(name, self.versions(name), number)


def _unseen(versions: list[VersionInfo]) -> Served | None:
    """The champion, where it is not the one that was noted last."""
    champion, noted = promotion.holder(versions, CHAMPION), history_of(versions)
    if champion is None or (noted and noted[-1].version == champion.number):
        return None
    return Served(champion.number, _now(), "seen", reason="the alias was moved in MLflow")


def _holds(folder: Path, digest: str) -> bool:
    """Whether a folder holds exactly the files of that digest; a folder of anybody else's is never replaced."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    try:
        digests.verify(folder, digest)
    except DigestMismatch as exc:
        if not (folder / digests.MANIFEST).exists():
            raise RegistryError(f"{folder} holds something else; give an empty folder") from exc
        return False
    return True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
