"""What a model's rollout does next: read off the rows of its history and the alias, and off nothing else.

Each step may be done again: whoever died in the middle of one is followed by another that does it once more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from rollout.decisions import State
from rollout.plan import Plan
from rollout.row import ENDS, STANDS, Event, Row

What = Literal["nothing", "keep", "put_back", "begin", "package", "check", "look", "finish", "reject", "supersede"]


@dataclass(frozen=True)
class Choice:
    """The version that carries `champion`."""

    number: int
    rejected: str = ""
    """Why it was rejected; empty where it was not."""
    missing: str = ""
    """Which approval it lacks; empty where it lacks none."""


@dataclass(frozen=True)
class Step:
    """What is to be done next, with which version, and why."""

    what: What
    version: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Rollout:
    """A rollout that has begun and not ended, as its rows tell it."""

    rows: tuple[Row, ...]
    """From its first on."""

    @property
    def model(self) -> str:
        """Whose."""
        return self.rows[0].model

    @property
    def version(self) -> int:
        """The version that is rolled out."""
        return self.rows[0].version or 0

    @property
    def before(self) -> int | None:
        """The version that served as it began."""
        return self.rows[0].before

    @property
    def key(self) -> str:
        """Its own: a version that is tried again has another."""
        return f"{self.rows[0].model}:{self.version}:{self.rows[0].at.isoformat()}"

    @cached_property
    def agreed(self) -> dict[str, str]:
        """What was settled as it began: the plan, and why there is no shadow and no canary, if there are none."""
        return dict(json.loads(self.rows[0].state))

    @property
    def at_once(self) -> str:
        """Why it takes the place of the version before without shadow and canary; empty where it does not."""
        return self.agreed["at_once"]

    @cached_property
    def plan(self) -> Plan:
        """The plan that it began with."""
        return Plan.model_validate_json(self.agreed["plan"])

    @cached_property
    def state(self) -> State | None:
        """Where it stands in its plan; None before its first look."""
        found = self._last_state
        return State.model_validate_json(self.rows[found].state) if found is not None else None

    @property
    def words(self) -> list[Row]:
        """What people said since the state was written down."""
        since = self._last_state
        told = self.rows[since + 1 if since is not None else 0 :]
        return [row for row in told if row.event in (Event.PAUSE, Event.RESUME)]

    @property
    def written(self) -> Row | None:
        """The row with the last state."""
        found = self._last_state
        return self.rows[found] if found is not None else None

    def row(self, event: Event) -> Row | None:
        """Its last row of a kind."""
        return next((row for row in reversed(self.rows) if row.event == event), None)

    @cached_property
    def _last_state(self) -> int | None:
        having = [at for at, row in enumerate(self.rows) if row.event in (Event.STEP, Event.LOOK)]
        return having[-1] if having else None


def under_way(rows: Sequence[Row]) -> Rollout | None:
    """The rollout that has begun and not ended."""
    began = [at for at, row in enumerate(rows) if row.event == Event.BEGUN]
    if not began or any(row.event in ENDS for row in rows[began[-1] :]):
        return None
    return Rollout(tuple(rows[began[-1] :]))


def stands(rows: Sequence[Row], arm: str = "champion") -> Row | None:
    """The row of what serves as an arm."""
    last = next((row for row in reversed(rows) if row.event in STANDS and row.arm == arm), None)
    return last if last is not None and last.version is not None else None


def next_step(rows: Sequence[Row], choice: Choice | None) -> Step:
    """What is to be done next.

    Args:
        rows: A model's history, oldest first.
        choice: Its champion; None where there is none.
    """
    going = under_way(rows)
    return _goes_on(going, choice, stands(rows)) if going else _starts(rows, choice)


def _starts(rows: Sequence[Row], choice: Choice | None) -> Step:
    serving = stands(rows)
    if choice is None:
        return Step("keep", serving.version) if serving and _alias_went(rows) else Step("nothing")
    if choice.rejected or (serving and serving.version == choice.number):
        return Step("nothing", choice.number, choice.rejected)
    if choice.missing:
        return Step("put_back", choice.number, choice.missing)
    return Step("begin", choice.number)


def _goes_on(going: Rollout, choice: Choice | None, serving: Row | None) -> Step:
    version, aborted = going.version, going.row(Event.ABORT)
    if aborted:
        return Step("reject", version, aborted.result)
    if choice is None or choice.number != version:
        chosen = f"version {choice.number} was chosen" if choice else "the alias `champion` was taken away"
        return Step("supersede", version, f"{chosen} while version {version} was rolled out")
    if choice.rejected:
        return Step("reject", version, choice.rejected)
    if choice.missing:
        return Step("supersede", version, choice.missing)
    if serving and serving.version == version:
        return Step("finish", version)
    return Step(_undone(going), version)


def _undone(going: Rollout) -> What:
    if not going.row(Event.PACKAGED):
        return "package"
    if going.at_once or _has_all(going):
        return "finish"
    return "look" if going.row(Event.CHECKED) else "check"


def _has_all(going: Rollout) -> bool:
    state = going.state
    return state is not None and state.step >= going.plan.live


def _alias_went(rows: Sequence[Row]) -> bool:
    """Whether the alias was taken away and nobody was told yet."""
    told = [row.event for row in rows if row.event in (Event.REMOVED, Event.KEPT)]
    return not told or told[-1] == Event.REMOVED
