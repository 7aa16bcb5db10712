"""Looks at a version in shadow and canary, and does what is decided."""

import json
from dataclasses import dataclass, field

from flows.rollout.arms import Arms
from flows.rollout.journal import Journal
from flows.rollout.traffic import Traffic
from rollout import decisions
from rollout.decisions import Decision, State
from rollout.observations import Compared, Observations, plus
from rollout.row import Event, Row
from rollout.steps import Rollout

KEPT_EVERY_S = 30.0
"""So often the counting is written down; what was counted since is counted once more by whoever goes on."""
REPLAYED = 25
"""Requests replayed between two looks."""


@dataclass(frozen=True)
class Looked:
    """What is known beyond the last row."""

    written: Row | None
    """That row; with another one, this is out of date."""
    state: State
    compared: Compared
    """Counted by replays, up to now."""


@dataclass
class Watch:
    """Watches rollouts, and remembers between two rows what was counted."""

    arms: Arms
    traffic: Traffic
    journal: Journal
    known: dict[str, Looked] = field(default_factory=dict)

    def look(self, going: Rollout, serving: Row | None) -> Decision:
        """Look once, decide, write it down, and set the weights."""
        last = self._last(going)
        if last is None:
            return self._begin(going)
        seen = self.traffic.seen(going.model, _limit_ms(going), last.compared)
        decision = decisions.decide(going.plan, seen, _told(last.state, going))
        self.known[going.key] = Looked(going.written, decision.state, last.compared)
        self._write_down(going, decision)
        if decision.action != "abort":
            self.traffic.follow(going.model, decision)
            self._replay(going, serving, decision)
        return decision

    def waits(self, going: Rollout | None) -> bool:
        """Whether a rollout answers nobody yet, and will not without somebody's word."""
        state = going.state if going is not None else None
        if going is None or state is None or going.row(Event.ABORT):
            return False
        in_shadow = state.step < going.plan.live and going.plan.weights[state.step] == 0
        return in_shadow and _was_asked(going) and not (going.words or state.approved)

    def _last(self, going: Rollout) -> Looked | None:
        """What the next decision goes on from; None before the first."""
        looked, state = self.known.get(going.key), going.state
        if looked is not None and looked.written == going.written:
            return looked
        return Looked(going.written, state, state.reported.compared) if state is not None else None

    def _begin(self, going: Rollout) -> Decision:
        """The first step of the plan, from the counts as they stand."""
        now = Observations(at=self.traffic.clock())
        first = decisions.decide(going.plan, now, decisions.begin(now))
        self.traffic.follow(going.model, first)  # before the counts are read: they are by arm
        state = decisions.begin(self.traffic.seen(going.model, _limit_ms(going), Compared()))
        self.journal.note(going, Event.STEP, f"{first.step} begins", state.model_dump_json(), "canary")
        return first

    def _write_down(self, going: Rollout, decision: Decision) -> None:
        """A decision that changes something is a row and a mail; that nothing changed is a row now and then."""
        said, told = decision.state.model_dump_json(), f"{decision.step}: {decision.reason}"
        if decision.action == "abort":
            self.journal.note(going, Event.ABORT, decision.reason)
        elif decision.action == "advance" or (decision.action == "wait_for_person" and not _was_asked(going)):
            subject = f"{going.model} version {going.version}: {decision.step}"
            self.journal.decided(going, Event.STEP, subject, [decision.reason], told, state=said, arm="canary")
        elif going.words or self._is_long_ago(going):
            self.journal.note(going, Event.LOOK, told, said, "canary")

    def _is_long_ago(self, going: Rollout) -> bool:
        last = going.written
        return last is None or self.traffic.clock() - last.at.timestamp() > KEPT_EVERY_S

    def _replay(self, going: Rollout, serving: Row | None, decision: Decision) -> None:
        """Where the traffic is thin, the canary answers logged requests; they count from the next look on."""
        if not decision.replay or serving is None:
            return
        known = decision.state.reported.compared
        added = self.arms.replay(going.model, serving.tag, known.answers, min(decision.replay, REPLAYED))
        last = self.known[going.key]
        self.known[going.key] = Looked(last.written, last.state, plus(known, added))


def _told(state: State, going: Rollout) -> State:
    """The state with what people said since it was written down."""
    for row in going.words:
        state = decisions.pause(state) if row.event == Event.PAUSE else decisions.resume(state)
    return state


def _was_asked(going: Rollout) -> bool:
    """Whether people were asked at this step already."""
    last = going.row(Event.STEP)
    return last is not None and "`--resume`" in last.result


def _limit_ms(going: Rollout) -> float:
    checked = going.row(Event.CHECKED)
    return float(json.loads(checked.state)["limit_ms"]) if checked else 0.0
