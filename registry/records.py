"""Records: what the registry knows of a version, and what a training hands to it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from models.evaluation import Evaluation, Recipe
from registry.gate import Decision

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHAMPION, CHALLENGER = "champion", "challenger"
DIGEST, HISTORY, ROLLOUT = "digest", "champion.history", "rollout"
RECIPE, METRICS, AS_OF, THREADS, NOISE = "recipe", "metrics", "as_of", "threads", "refit_noise"
"""Tags of a version."""
TRAINING = "training"
"""Tag of a run: the id of the training that it came from, the same however often its logging is tried."""


@dataclass(frozen=True)
class Training:
    """A finished training: everything that goes into its run and its version.

    Attributes:
        name: Registered model.
        recipe: Algorithm and hyperparameters.
        model_dir: What `Model.save` wrote; it is copied, not changed.
        evaluation: The protocol's figures, baselines included.
        decision: The gate's word.
        dataset: The training set: `query, params, as_of, known_at, rows, content_hash, path, contract`, plain types.
        pictures: Figures by file name.
        golden: Requests with the model's own answers.
        commit: Git commit of the code.
        seconds: How long the training took.
        about: A paragraph on what the model is for, in the card.
        threads: Threads that evaluation and fit were computed with, by library.
        ended: When it ended, UTC.
        id: Its own; logging it twice makes one run and one version.
    """

    name: str
    recipe: Recipe
    model_dir: Path
    evaluation: Evaluation
    decision: Decision
    dataset: dict[str, Any]
    pictures: "Mapping[str, Figure]" = field(default_factory=dict)
    golden: list[dict[str, Any]] = field(default_factory=list)
    commit: str = "unknown"
    seconds: float = 0.0
    about: str = ""
    threads: dict[str, int] = field(default_factory=dict)
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class Version:
    """One registered version."""

    name: str
    number: int
    run_id: str
    digest: str
    uri: str


@dataclass(frozen=True)
class VersionInfo:
    """A version as a list shows it."""

    number: int
    aliases: tuple[str, ...]
    gate: str
    metrics: dict[str, float]
    created: datetime
    tags: dict[str, str] = field(repr=False)
    run_id: str = ""

    @property
    def algorithm(self) -> str:
        """What it was trained by, empty where it does not say."""
        return self.tags.get("algorithm", "")

    @property
    def as_of(self) -> datetime:
        """It learned from what had happened before this moment; when it was made, where it does not say."""
        try:
            found = datetime.fromisoformat(self.tags.get(AS_OF, ""))
        except ValueError:
            return self.created
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    @property
    def age(self) -> tuple[datetime, int]:
        """What orders versions: how new their data are, then their number."""
        return self.as_of, self.number

    @property
    def rejected(self) -> str | None:
        """Why a rollback rejected it; None where none did."""
        state, _, reason = self.tags.get(ROLLOUT, "").partition(":")
        return (reason or "no reason given") if state == "rejected" else None

    def to_json(self) -> dict[str, Any]:
        """The document that `agro models --json` prints for one version."""
        document = asdict(self) | {"aliases": list(self.aliases), "created": self.created.isoformat()}
        document["tags"] = {key: value for key, value in self.tags.items() if key not in (HISTORY, RECIPE, METRICS)}
        told = {"algorithm": self.algorithm, "as_of": self.as_of.isoformat(), "rejected": self.rejected}
        return document | told


@dataclass(frozen=True)
class Served:
    """A moment at which a version became champion.

    Attributes:
        version: Its number.
        at: When, UTC, ISO 8601.
        by: `promote`, `rollback`, or `seen` where somebody moved the alias in MLflow and it was noticed then.
        who: The account that did it, empty for `seen`.
        reason: What was said about it.
    """

    version: int
    at: str
    by: str
    who: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Lineage:
    """Where a version comes from."""

    name: str
    number: int
    run_id: str
    digest: str
    commit: str
    recipe: Recipe
    dataset: dict[str, Any]
    created: datetime
    threads: dict[str, int] = field(default_factory=dict)


def history_of(versions: list[VersionInfo]) -> list[Served]:
    """What was champion when, oldest first, as earlier versions of the platform kept it in the versions' tags."""
    found = [
        Served(version.number, **entry) for version in versions for entry in json.loads(version.tags.get(HISTORY, "[]"))
    ]
    return sorted(found, key=lambda entry: entry.at)


def hashes_beside(dataset: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of the snapshots that stand beside a training set's own, by name of their kind."""
    parts = {name: part for name, part in dataset.items() if isinstance(part, Mapping)}
    return {name: str(part["content_hash"]) for name, part in parts.items() if "content_hash" in part}
