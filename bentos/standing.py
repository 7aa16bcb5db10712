"""How a model's arm stands: which program has its port, and what it says."""

import time
from dataclasses import dataclass

from bentos import readiness, supervised
from bentos.places import Place
from bentos.readiness import Said
from bentos.settings import ServingSettings
from bentos.supervised import Condition
from models.families import registered


def place(model: str, arm: str = "champion") -> Place:
    """Where the versions of a model's arm stand; the models of one service share it.

    Raises:
        NoPlatform: The sockets' folder is missing: no local platform was ever started under this `AGRO_HOME`.
    """
    folder = supervised.sockets_dir() / "places"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Place(folder, registered(model).service.name, arm)


def url(model: str, settings: ServingSettings | None = None, arm: str = "champion") -> str:
    """Where a model's arm answers."""
    settings = settings or ServingSettings()
    return f"http://{settings.host}:{settings.port(model, arm)}"


@dataclass(frozen=True)
class Standing:
    """A model's arm at this moment."""

    model: str
    url: str
    log: str
    program: str
    """The one that is to have the port; empty where there is none."""
    condition: Condition
    listens: bool
    """Whether it is that program that has the port."""
    said: Said
    patience_s: float = 90.0
    """How long a start may take."""

    def serves(self, digest: str) -> bool:
        """Whether our own program answers there with the artifact of that digest."""
        return self.listens and readiness.is_ready(self.said, self.model, digest)

    @property
    def version(self) -> int | None:
        """The version that our own program answers with."""
        return readiness.version(self.said, self.model) if self.listens else None

    @property
    def starting(self) -> bool:
        """Whether waiting is all that it needs."""
        alive = self.condition.state in ("STARTING", "RUNNING", "BACKOFF") and not self.condition.failing
        young = time.time() - self.condition.since < self.patience_s
        return alive and young and not self.said.get("ready") and not readiness.refusal(self.said)

    @property
    def wrong(self) -> str:
        """Why it will not get ready by waiting; empty where it may, or is."""
        if self.condition.failing:
            return f"{self.condition.failing}: {supervised.last_line(self.log)}"
        if self.listens and (reason := readiness.refusal(self.said)):
            return f"it refuses: {reason}"
        return ""


def of(model: str, settings: ServingSettings | None = None, arm: str = "champion") -> Standing:
    """How a model's arm stands now.

    Raises:
        NoPlatform: No supervised platform runs here.
    """
    settings, where = settings or ServingSettings(), place(model, arm)
    program, base = where.holder(), url(model, settings, arm)
    condition = supervised.condition(program)
    listens = condition.listens(settings.port(model, arm))
    said = readiness.at(base)
    return Standing(model, base, where.name, program, condition, listens, said, settings.start_timeout_s)
