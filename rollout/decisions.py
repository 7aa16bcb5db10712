"""What happens next in a rollout: decided from the plan, the counts and what was decided before, and from nothing else.

Whoever runs the rollout looks, asks `decide`, writes the answer with its state as a row, and acts. A runner that died
goes on from the last row. How it is decided, and with which chances of being wrong, is in docs/rollout.md.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from rollout import evidence, reasons
from rollout.evidence import Evidence
from rollout.observations import Counts, Observations
from rollout.plan import Plan

Action = Literal["advance", "hold", "abort", "wait_for_person"]
Copied = Literal["canary", "previous"] | None


class State(BaseModel, frozen=True):
    """Where a rollout stands; small, and kept as JSON."""

    step: int = 0
    """Its number in the plan; one more than the last: live."""
    since: float
    """When the step began, seconds since the epoch."""
    reported: Counts
    """Counts as they stood at the last look."""
    here: Counts = Counts()
    """Counted at this step."""
    total: Counts = Counts()
    """Counted in the whole rollout."""
    evidence: Evidence
    paused: bool = False
    approved: bool = False
    """A person said that this step need not wait for more requests."""
    aborted: str = ""
    """Why it was taken back; never unsaid."""


@dataclass(frozen=True)
class Decision:
    """What to do now, and why.

    Attributes:
        action: `advance` takes a step; `hold` waits; `wait_for_person` waits, and somebody should look; `abort` takes
            the version back for good.
        reason: Sentences for people, with the figures.
        step: The step after the action: `shadow`, `5 %`, …, `live`, or `aborted`.
        weight: Per cent of the traffic that the new version answers from now on.
        copies_to: Who gets copies of the requests from now on: the canary in shadow; where the canary has all the
            traffic the previous version, so that they can still be compared.
        replay: How many of the last logged requests the canary should answer, because too few come in shadow.
        state: What the next decision goes on from.
    """

    action: Action
    reason: str
    step: str
    weight: int
    copies_to: Copied
    replay: int
    state: State


def begin(seen: Observations) -> State:
    """The state of a rollout as its first step begins; counters may have counted before."""
    return State(since=seen.at, reported=seen.counts, evidence=evidence.nothing())


def decide(plan: Plan, seen: Observations, state: State) -> Decision:
    """Take, hold or undo a step.

    What is aborted stays so. Too much evidence aborts, be the rollout paused or approved or not. Otherwise a step is
    taken when its time is over, enough was seen, and nothing speaks against the version; a person's approval stands in
    for the last two.

    Args:
        plan: The plan that the rollout began with.
        seen: Counts up to now, by the same counters as before.
        state: The state of the last decision, or of the beginning.
    """
    if state.aborted or state.step >= plan.live:
        return _said(plan, state, "abort" if state.aborted else "hold", state.aborted or reasons.LIVE)
    state = _look(plan, seen, state)
    against = evidence.against(state.evidence, plan)
    if sum(against.values()) >= plan.evidence_to_stop:
        return abort(plan, state, reasons.worse(plan, state, against))
    if state.paused:
        return _said(plan, state, "hold", reasons.paused(plan, state))
    over = seen.at - state.since
    waits = reasons.waits(plan, state, over, against)
    return _wait(plan, state, over, waits) if waits else _advance(plan, state, seen.at)


def abort(plan: Plan, state: State, reason: str) -> Decision:
    """Take the version back, for good; the first reason stands."""
    reason = state.aborted or reason
    return _said(plan, state.model_copy(update={"aborted": reason}), "abort", reason)


def pause(state: State) -> State:
    """A person wants no step to be taken; a version that is worse is still taken back."""
    return state.model_copy(update={"paused": True})


def resume(state: State) -> State:
    """A person ends the pause or, where there is none, says that this step need not wait for more requests."""
    return state.model_copy(update={"paused": False} if state.paused else {"approved": True})


def _look(plan: Plan, seen: Observations, state: State) -> State:
    """The state with what was counted since the last look."""
    added = seen.since(state.reported)
    return state.model_copy(
        update={
            "reported": seen.counts,
            "here": state.here.plus(added),
            "total": state.total.plus(added),
            "evidence": evidence.take(state.evidence, plan, added, plan.weights[state.step]),
        }
    )


def _wait(plan: Plan, state: State, over: float, why: str) -> Decision:
    asks = over >= max(plan.patience_s, plan.bake_s)
    told = f"{why} `--resume` goes on as it is, `--abort` takes it back." if asks else why
    return _said(plan, state, "wait_for_person" if asks else "hold", told, _replay(plan, state, over))


def _replay(plan: Plan, state: State, over: float) -> int:
    """The requests missing in shadow, once half of its time shows that they will not come by themselves."""
    late = over >= plan.bake_s / 2 and state.here.answered * plan.bake_s < plan.least_requests * over
    return plan.least_requests - state.here.answered if late and plan.weights[state.step] == 0 else 0


def _advance(plan: Plan, state: State, now: float) -> Decision:
    step = state.step + 1
    ledgers = state.evidence if step == plan.live else evidence.next_step(state.evidence)
    following = State.model_construct(
        step=step, since=now, reported=state.reported, total=state.total, evidence=ledgers
    )
    return _said(plan, following, "advance", reasons.advances(plan, state, now - state.since))


def _said(plan: Plan, state: State, action: Action, reason: str, replay: int = 0) -> Decision:
    if state.aborted:
        return Decision(action, reason, "aborted", 0, None, 0, state)
    weight = 100 if state.step >= plan.live else plan.weights[state.step]
    copies: dict[int, Copied] = {} if state.step >= plan.live else {0: "canary", 100: "previous"}
    return Decision(action, reason, plan.name(state.step), weight, copies.get(weight), max(replay, 0), state)
