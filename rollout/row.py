"""A row of the table of what served: what happened to a model, when, and who or what did it."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Event(StrEnum):
    """What can happen: moves of the alias `champion`, changes of what serves, and steps of a rollout."""

    PROMOTED = "promote"
    ROLLED_BACK = "rollback"
    SEEN = "seen"
    """Somebody moved the alias in MLflow."""
    REMOVED = "removed"
    """Somebody took the alias away in MLflow."""
    SERVES = "serve"
    STOPPED = "stop"

    BEGUN = "begin"
    """A version's rollout begins."""
    PACKAGED = "package"
    CHECKED = "check"
    STEP = "step"
    """A step of the plan is taken, or somebody should look."""
    LOOK = "look"
    """How far the counting was, so that it goes on from there."""
    ABORT = "abort"
    """The version is to be taken back; a person's word or a decision."""
    PAUSE = "pause"
    RESUME = "resume"
    LIVE = "live"
    """The rollout ended well."""
    REJECTED = "reject"
    """It ended: the version before serves, and this one is not tried again."""
    SUPERSEDED = "supersede"
    """It ended: something else was chosen meanwhile."""
    KEPT = "keep"
    """Nobody is champion any more; what serves goes on."""

    PUT_BACK = "put back"
    """The alias was moved without the approval that is required, and is back where it was."""


MOVES = (Event.PROMOTED, Event.ROLLED_BACK, Event.SEEN, Event.REMOVED, Event.PUT_BACK)
STANDS = (Event.SERVES, Event.STOPPED)
ENDS = (Event.LIVE, Event.REJECTED, Event.SUPERSEDED)


def now() -> datetime:
    """This moment, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Row:
    """Something that happened; rows are added, never changed."""

    model: str
    event: str
    """One of `Event`, or a step of a rollout."""
    version: int | None = None
    arm: str = ""
    """Part of the traffic; empty where it concerns none."""
    tag: str = ""
    """The Bento, `model:version-digest8`."""
    digest: str = ""
    """Digest of the version's files."""
    port: int | None = None
    before: int | None = None
    """The version that stood there until then."""
    who: str = ""
    """The account that did it, where that is known."""
    result: str = ""
    """What came of it, or why it was done."""
    state: str = ""
    """What the next step of a rollout goes on from, as JSON."""
    at: datetime = field(default_factory=now)
    """When it happened."""
    noted_at: datetime = field(default_factory=now)
    """When it was written down: later than `at` where the platform learned of it afterwards."""

    def to_json(self) -> dict[str, Any]:
        """The row as a document."""
        times = {name: getattr(self, name).isoformat(timespec="milliseconds") for name in ("at", "noted_at")}
        return {key: value for key, value in asdict(self).items() if key != "state"} | times
