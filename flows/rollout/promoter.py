"""Does the next step of a model's rollout, whatever was left undone by whoever died before."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from base.home import home
from flows.rollout.arms import Arms, Built, VersionRefused
from flows.rollout.journal import Journal
from flows.rollout.traffic import Traffic
from flows.rollout.watch import Watch
from rollout import steps
from rollout.plan import Plan
from rollout.row import Event, Row
from rollout.steps import Choice, Rollout, Step

BACK = ("reject", "supersede")
"""Steps that end a rollout by taking its version back."""
HEAVY = ("package", "check", "finish", *BACK)
"""Steps that may build or start something; one is done at a time on a machine."""


class Choices(Protocol):
    """The registry's word on what should serve."""

    def champion(self, model: str) -> Choice | None:
        """The version that carries `champion`."""
        ...

    def take_back(self, model: str, bad: int, good: int | None, reason: str) -> None:
        """Mark a version as rejected and, where it is champion still, move `champion` back."""
        ...

    def put_back(self, model: str, bad: int, good: int | None, reason: str) -> None:
        """Move `champion` off a version that lacks an approval, and say why in its description."""
        ...


@dataclass
class Promoter:
    """Rolls out what was chosen, a step at a time."""

    choices: Choices
    arms: Arms
    traffic: Traffic
    journal: Journal
    plan: Callable[[], Plan] = Plan
    turn: Callable[[], AbstractContextManager[object]] = nullcontext
    """Waits until nothing else is built or started."""

    def __post_init__(self) -> None:
        self.watch = Watch(self.arms, self.traffic, self.journal)

    def next_step(self, model: str) -> Step:
        """What is to be done next; nothing is done."""
        choice = self.choices.champion(model)
        return steps.next_step(self._rows(model), choice)

    def waits_for_person(self, model: str) -> bool:
        """Whether a rollout answers nobody yet, and will not without somebody's word."""
        return self.watch.waits(steps.under_way(self._rows(model)))

    def tick(self, model: str) -> Step:
        """Do the next step; which it was."""
        due = self.next_step(model).what
        if due in BACK:  # the weights wait for no turn
            with self._alone(model, heavy=False):
                self.traffic.whole(model)
        with self._alone(model, due in HEAVY) as heavy:
            step, rows = self.next_step(model), self._rows(model)
            if heavy or step.what not in HEAVY:  # one that became heavy just now waits for the next tick
                self._do(model, step, rows)
        return step

    def _do(self, model: str, step: Step, rows: list[Row]) -> None:
        going = steps.under_way(rows)
        if going is not None:
            does: dict[str, Callable[[Rollout, list[Row], str], None]] = {
                "package": self._package,
                "check": self._check,
                "look": self._look,
                "finish": self._finish,
                "reject": self._reject,
                "supersede": self._supersede,
            }
            does[step.what](going, rows, step.reason)
        elif step.what != "nothing":
            {"keep": self._keep, "put_back": self._put_back, "begin": self._begin}[step.what](model, rows, step)

    def _keep(self, model: str, rows: list[Row], step: Step) -> None:
        reason = f"nobody is champion any more; version {step.version} serves on"
        lines = [f"Choose one in MLflow, or by `agro promote {model} VERSION`."]
        moved = next((row.at for row in reversed(rows) if row.event == Event.REMOVED), None)
        self.journal.tell(f"{model}: {reason}", lines, f"{model} keep {step.version} {moved}")
        self.journal.history.append(Row(model, Event.KEPT, step.version, result=reason))

    def _put_back(self, model: str, rows: list[Row], step: Step) -> None:
        """The mail first; the move itself is written down by whoever makes it."""
        serving = steps.stands(rows)
        to = serving.version if serving else None
        lines = [step.reason, f"Approve it: `agro approve {model} {step.version}`, and choose it again."]
        moved = rows[-1].at if rows else None
        subject = f"{model} version {step.version} lacks an approval"
        self.journal.tell(subject, lines, f"{model} {step.version} put back {moved}")
        self.choices.put_back(model, step.version or 0, to, step.reason)

    def _begin(self, model: str, rows: list[Row], step: Step) -> None:
        serving = steps.stands(rows)
        before = serving.version if serving else None
        at_once = self._at_once(rows, step.version, before)
        agreed = json.dumps({"plan": self.plan().model_dump_json(), "at_once": at_once})
        result = at_once or f"by shadow and canary, in the place of version {before}"
        self.journal.history.append(Row(model, Event.BEGUN, step.version, before=before, result=result, state=agreed))

    def _at_once(self, rows: list[Row], version: int | None, before: int | None) -> str:
        """Why there is no shadow and no canary; empty where there are."""
        if before is None:
            return "the first version: nothing to compare it with, no shadow, no canary"
        if self.traffic.target is None or not self.traffic.runs:
            return "no mesh: no shadow, no canary"
        moves = [row for row in rows if row.event in (Event.PROMOTED, Event.ROLLED_BACK, Event.SEEN)]
        back = moves and moves[-1].event == Event.ROLLED_BACK and moves[-1].version == version
        return "rolled back by a person: no shadow, no canary" if back else ""

    def _package(self, going: Rollout, *_: object) -> None:
        with self._refusing(going):
            built = self.arms.build(going.model, going.version)
            self.journal.note(going, Event.PACKAGED, built.result, built=built)

    def _check(self, going: Rollout, *_: object) -> None:
        with self._refusing(going):
            built = _packaged(going)
            found = self.arms.start(going.model, built.tag)
            self.journal.serves(going.model, going.version, built, "canary", going.before, found)
            self.journal.note(going, Event.CHECKED, found.result, json.dumps({"limit_ms": found.limit_ms}))

    def _look(self, going: Rollout, rows: list[Row], _: str) -> None:
        self.watch.look(going, steps.stands(rows))

    def _finish(self, going: Rollout, rows: list[Row], _: str) -> None:
        with self._refusing(going):
            built = _packaged(going) if going.row(Event.PACKAGED) else self.arms.build(going.model, going.version)
            self._put(going.model, rows, going.version, built)
            self.traffic.whole(going.model)
            self._stop(going.model, rows)
            result = going.at_once or "all of the traffic is answered by it"
            subject = f"{going.model} version {going.version} is live"
            self.journal.decided(going, Event.LIVE, subject, [result], result, built=built)

    def _reject(self, going: Rollout, rows: list[Row], reason: str) -> None:
        """The weights first, so that it answers nobody any more; then the alias, the processes, the words."""
        self.traffic.whole(going.model)
        self.choices.take_back(going.model, going.version, going.before, reason)
        self._restore(going.model, rows, going.before)
        self._stop(going.model, rows)
        lines = [
            reason,
            f"Version {going.before} serves." if going.before is not None else "No version serves.",
            f"It is not tried again until `agro promote {going.model} {going.version} --again`.",
        ]
        subject = f"{going.model} version {going.version} was taken back"
        self.journal.decided(going, Event.REJECTED, subject, lines, reason)

    def _supersede(self, going: Rollout, rows: list[Row], reason: str) -> None:
        self.traffic.whole(going.model)
        serving = steps.stands(rows)
        self._restore(going.model, rows, serving.version if serving else None)
        self._stop(going.model, rows)
        subject = f"{going.model} version {going.version} is not rolled out"
        self.journal.decided(going, Event.SUPERSEDED, subject, [reason], reason)

    def _restore(self, model: str, rows: list[Row], version: int | None) -> None:
        """See that a version serves that served before, whatever a step that died may have put in its place."""
        if version is None:
            return
        known = next(row for row in reversed(rows) if row.event == Event.SERVES and row.version == version and row.tag)
        self._put(model, rows, version, Built(known.tag, known.digest, ""))

    def _put(self, model: str, rows: list[Row], version: int, built: Built) -> None:
        """Let a version serve on the champion's port, unless it does, and write that down, unless it is."""
        serving = steps.stands(rows)
        found = self.arms.serve(model, built.tag)
        if serving is None or serving.tag != built.tag:
            self.journal.serves(model, version, built, "champion", serving.version if serving else None, found)

    def _stop(self, model: str, rows: list[Row]) -> None:
        self.arms.stop(model)
        canary = steps.stands(rows, "canary")
        if canary is not None:
            self.journal.stopped(model, "canary", canary.version)

    def _rows(self, model: str) -> list[Row]:
        return self.journal.history.rows(model)

    @contextmanager
    def _refusing(self, going: Rollout) -> Iterator[None]:
        """A version that is refused is taken back by the next step."""
        try:
            yield
        except VersionRefused as exc:
            self.journal.note(going, Event.ABORT, str(exc))

    @contextmanager
    def _alone(self, model: str, heavy: bool) -> Iterator[bool]:
        """One tick of a model at a time, on this machine; whoever dies lets the next one in."""
        path = home("rollout", f"{model}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.turn() if heavy else nullcontext(), path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield heavy


def _packaged(going: Rollout) -> Built:
    row = going.row(Event.PACKAGED)
    assert row is not None  # noqa: S101 - `next_step` asks for no other step before
    return Built(row.tag, row.digest, row.result)
