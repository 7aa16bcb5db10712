"""Simulated rollouts: made-up traffic, our decisions, and those of others on traffic of the same kind."""

from dataclasses import dataclass

import numpy as np

from rollout.decisions import Decision, begin, decide
from rollout.observations import Compared, Observations, Served
from rollout.plan import Plan

LOOK_S = 60.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class World:
    """What the versions are like; the canary is as the previous one where nothing else is said."""

    errors: float = 0.01
    slow: float = 0.05
    differing: float = 0.1
    canary_errors: float | None = None
    canary_slow: float | None = None
    from_step: int = 0
    """The canary is as the previous version before this step."""
    bursts: float = 0.0
    """Share of looks in which 30 % of the requests fail and are slow."""
    own_bursts: bool = False
    """Each version has its own; otherwise they hit both at once."""
    clump: int = 1
    """Errors come so many at a time on one version."""
    traffic: int = 500
    """Requests between two looks."""


@dataclass(frozen=True)
class End:
    """How a rollout ended."""

    decision: Decision
    looks: int
    live_requests: int
    """Requests of callers that the canary answered."""


def run(world: World, plan: Plan, rng: np.random.Generator, most_looks: int = 400) -> End:
    """One rollout from its beginning to live, to its abort, or to so many looks."""
    canary, previous, compared = np.zeros(4, int), np.zeros(4, int), np.zeros(2, int)
    decision, state, live = None, begin(Observations(at=0)), 0
    for look in range(1, most_looks + 1):
        weight = plan.weights[state.step]
        asked = rng.binomial(world.traffic, weight / 100)
        copies = world.traffic if weight == 0 else 0
        rates = _rates(world, state.step, rng)
        canary += _served(asked or copies, *rates[0], world.clump, rng)
        previous += _served(world.traffic - asked or world.traffic, *rates[1], world.clump, rng)
        compared += (copies, rng.binomial(copies, world.differing))
        live += asked
        seen = Observations.model_construct(
            at=look * LOOK_S,
            canary=Served(*canary.tolist()),
            previous=Served(*previous.tolist()),
            compared=Compared(*compared.tolist()),
        )
        decision = decide(plan, seen, state)
        state = decision.state
        if state.aborted or state.step == plan.live:
            break
    assert decision is not None
    return End(decision, look, live)


def _rates(world: World, step: int, rng: np.random.Generator) -> tuple[tuple[float, float], tuple[float, float]]:
    """Shares of errors and of slow answers: the canary's, then the previous version's."""
    worse = step >= world.from_step
    errors = world.canary_errors if worse and world.canary_errors is not None else world.errors
    slow = world.canary_slow if worse and world.canary_slow is not None else world.slow
    burst, other = rng.random(2) < world.bursts
    hit = (burst, other if world.own_bursts else burst)
    mine, theirs = (0.3 if one else 0.0 for one in hit)
    return (max(errors, mine), max(slow, mine)), (max(world.errors, theirs), max(world.slow, theirs))


def _served(n: int, errors: float, slow: float, clump: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    failed = clump * rng.binomial(n // clump, errors)
    return n, failed, n, rng.binomial(n, slow)
