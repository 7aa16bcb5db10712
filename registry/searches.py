"""A search for hyperparameters in MLflow: a parent run with its summary, and a child run for each trial."""

import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from registry import entities, run_content
from registry.connection import Connection
from registry.errors import RegistryError
from registry.packing import document

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

State = Literal["done", "failed", "pruned"]
STATUS: dict[str, str] = {"done": "FINISHED", "failed": "FAILED", "pruned": "KILLED"}
SEARCH, TRIAL, _PARENT = "search", "trial", "mlflow.parentRunId"
_LONGEST_TAG, _PAGE = 5000, 1000


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters and what came of it.

    Attributes:
        number: Its place in the search; 0 is the default recipe.
        params: Hyperparameters as a recipe takes them.
        state: `pruned` is one that was stopped before its end.
        score: The primary metric; None where the trial was not done.
        seconds: How long it took.
        error: Why it was not done.
    """

    number: int
    params: dict[str, Any]
    state: State
    score: float | None
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Search:
    """What is searched, and on which rows.

    Attributes:
        name: Registered model.
        algorithm: The algorithm whose hyperparameters are searched.
        key: The search's own id; a search that goes on after a break has the same.
        primary: The metric that is searched by.
        dataset: The training set, as in `Training`.
        params: What holds for the whole search: seed, ranges.
        commit: Git commit of the code.
        who: The account that asked.
    """

    name: str
    algorithm: str
    key: str
    primary: str
    dataset: dict[str, Any]
    params: dict[str, Any] = field(default_factory=dict)
    commit: str = "unknown"
    who: str = "unknown"


class SearchRun:
    """An open parent run. Leaving its block with an error marks it as failed."""

    def __init__(self, mlflow: Connection, search: Search) -> None:
        """Open the run of a search, the same again where the search goes on."""
        self._mlflow, self._search = mlflow, search
        with mlflow.client() as client:
            self._experiment = entities.experiment(client, search.name)
            self.run_id = self._reopened(client) or self._created(client)
            self._logged = set(self._children(client))

    def __enter__(self) -> "SearchRun":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        with suppress(RegistryError), self._mlflow.client() as client:
            client.set_tag(self.run_id, "error", f"{type(error).__name__}: {error}"[:_LONGEST_TAG])
            client.set_terminated(self.run_id, "FAILED")

    @property
    def url(self) -> str:
        """The run's page."""
        return f"{self._mlflow.uri}/#/experiments/{self._experiment}/runs/{self.run_id}"

    def add(self, trial: Trial) -> None:
        """Log a trial as a child run, once.

        Raises:
            RegistryUnreachable: MLflow stopped answering.
        """
        if trial.number in self._logged:
            return
        with self._mlflow.client() as client:
            run_id = client.create_run(
                self._experiment, start_time=int((time.time() - trial.seconds) * 1000),
                tags=self._trial_tags(trial), run_name=f"trial {trial.number}",
            ).info.run_id  # fmt: skip
            try:
                client.log_batch(run_id, self._metrics(trial, 0), run_content.as_params(run_content.flat(trial.params)))
                client.set_terminated(run_id, STATUS[trial.state])
                client.log_batch(self.run_id, self._metrics(trial, trial.number) if trial.state == "done" else [])
            except BaseException:
                entities.give_up(client, run_id)
                raise
        self._logged.add(trial.number)

    def finish(
        self, summary: Mapping[str, Any], figures: Mapping[str, float], pictures: "Mapping[str, Figure]"
    ) -> None:
        """Keep the summary as `search.json` and as the run's note, with figures and pictures, and close the run."""
        with self._mlflow.client() as client, tempfile.TemporaryDirectory(prefix="agro-search-") as scratch:
            folder = Path(scratch)
            (folder / "search.json").write_text(document(summary))
            for name, figure in pictures.items():
                figure.savefig(folder / name, format="png", dpi=110, bbox_inches="tight")
            client.log_batch(self.run_id, run_content.as_metrics(figures))
            client.set_tag(self.run_id, "best", json.dumps(summary.get("params", {}))[:_LONGEST_TAG])
            client.set_tag(self.run_id, "mlflow.note.content", _note(summary))
            client.log_artifacts(self.run_id, str(folder))
            client.set_terminated(self.run_id)

    def _reopened(self, client: "MlflowClient") -> str | None:
        found = client.search_runs([self._experiment], f"tags.{SEARCH} = '{self._search.key}'", max_results=1)
        if not found:
            return None
        run_id = str(found[0].info.run_id)
        client.update_run(run_id, status="RUNNING")
        if "error" in found[0].data.tags:
            client.delete_tag(run_id, "error")
        return run_id

    def _created(self, client: "MlflowClient") -> str:
        search = self._search
        run_id = str(client.create_run(
            self._experiment, tags=self._tags() | {SEARCH: search.key}, run_name=f"search {search.algorithm}",
        ).info.run_id)  # fmt: skip
        client.log_inputs(run_id, [run_content.dataset_input(search)])
        client.log_batch(run_id, params=run_content.as_params({"algorithm": search.algorithm, **search.params}))
        return run_id

    def _children(self, client: "MlflowClient") -> list[int]:
        numbers: list[int] = []
        token: str | None = ""
        while token is not None:
            page = client.search_runs(
                [self._experiment], f"tags.`{_PARENT}` = '{self.run_id}'", max_results=_PAGE, page_token=token or None
            )
            numbers += [int(run.data.tags[TRIAL]) for run in page if STATUS[run.data.tags["state"]] == run.info.status]
            token = page.token or None
        return numbers

    def _tags(self) -> dict[str, str]:
        search = self._search
        return {
            "algorithm": search.algorithm,
            **run_content.hashes(search.dataset),
            "commit": search.commit,
            "mlflow.user": search.who,
            "mlflow.source.type": "LOCAL",
            "mlflow.source.name": f"{search.name}: search of {search.algorithm}",
            "mlflow.source.git.commit": search.commit,
        }

    def _trial_tags(self, trial: Trial) -> dict[str, str]:
        told = {_PARENT: self.run_id, TRIAL: str(trial.number), "state": trial.state}
        return self._tags() | told | ({"error": trial.error[:_LONGEST_TAG]} if trial.error else {})

    def _metrics(self, trial: Trial, step: int) -> list[Any]:
        scored = {} if trial.score is None else {self._search.primary: trial.score}
        return run_content.as_metrics(scored | {"seconds": trial.seconds}, step)


def _note(summary: Mapping[str, Any]) -> str:
    told = {key: value for key, value in summary.items() if not isinstance(value, dict | list)}
    rows = [f"| {key} | {value} |" for key, value in told.items()]
    params = json.dumps(summary.get("params", {}), indent=2)
    return "\n".join(["| | |", "|---|---|", *rows, "", "Best hyperparameters:", "", "```json", params, "```"])[:8000]
