"""Simulated rollouts: made-up traffic, our decisions on it, and those of others on traffic of the same kind."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from rollout.decisions import Decision, begin, decide
from rollout.observations import Compared, Observations, Served
from rollout.plan import Plan

LOOK_S = 60.0
"""Seconds between two looks."""
BURST = 0.3
"""Share of requests that fail, and of those that are slow, in a burst."""


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
    """Share of looks in which a burst of errors comes."""
    own_bursts: bool = False
    """Each version has its own; otherwise they hit both at once."""
    clump: int = 1
    """Errors come so many at a time on one version."""
    traffic: int = 500
    """Requests between two looks."""


@dataclass(frozen=True)
class End:
    """How a rollout ended."""

    decisions: list[Decision]
    live_requests: int
    """Requests of callers that the canary answered."""

    @property
    def aborted(self) -> bool:
        """Whether the version was taken back."""
        return self.decisions[-1].action == "abort"


def run(world: World, plan: Plan, rng: np.random.Generator, most_looks: int = 400) -> End:
    """One rollout from its beginning to live, to its abort, or to so many looks."""
    seen, live = Observations(at=0), 0
    state, decisions = begin(seen), []
    for look in range(1, most_looks + 1):
        seen, asked = _asked(world, plan.weights[state.step], state.step, seen, rng)
        live += asked
        decisions.append(decide(plan, seen.model_copy(update={"at": look * LOOK_S}), state))
        state = decisions[-1].state
        if state.aborted or state.step == plan.live:
            break
    return End(decisions, live)


def _asked(
    world: World, weight: int, step: int, seen: Observations, rng: np.random.Generator
) -> tuple[Observations, int]:
    """The counts after one more look's traffic, and how many callers asked the canary."""
    asked = int(rng.binomial(world.traffic, weight / 100))
    mine, theirs = rates(world, step, rng.random(2) < world.bursts)
    copies = 0 if weight else world.traffic
    added = Observations.model_construct(
        at=0.0,
        canary=_served(asked or copies, *mine, world.clump, rng),
        previous=_served(world.traffic - asked or world.traffic, *theirs, world.clump, rng),
        compared=Compared(copies, int(rng.binomial(copies, world.differing))),
    )
    total = seen.plus(added)
    return Observations.model_construct(
        at=0.0, canary=total.canary, previous=total.previous, compared=total.compared
    ), asked


def rates(world: World, step: int, burst: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shares of errors and of slow answers, shape (canary and previous, errors and slow, ...).

    Args:
        world: What the versions are like.
        step: The step of the rollout.
        burst: Whether there is a burst, shape (2, ...): of the canary, of the previous version.
    """
    worse = step >= world.from_step
    errors = world.canary_errors if worse and world.canary_errors is not None else world.errors
    slow = world.canary_slow if worse and world.canary_slow is not None else world.slow
    hit = BURST * (burst if world.own_bursts else np.stack([burst[0], burst[0]]))
    usual = np.array([[errors, slow], [world.errors, world.slow]]).reshape(2, 2, *(1,) * (burst.ndim - 1))
    return np.maximum(usual, hit[:, None])


def _served(n: int, errors: float, slow: float, clump: int, rng: np.random.Generator) -> Served:
    return Served(n, clump * int(rng.binomial(n // clump, errors)), n, int(rng.binomial(n, slow)))


Counted = NDArray[np.int64]
Rule = Callable[[Counted, Counted], NDArray[np.bool_]]
"""From counts of canary and previous version, shape (n_rollouts, n_looks, requests, errors and slow), to alarms."""


def by_threshold(least_success: float, failed_looks: int) -> Rule:
    """Alarm when so many looks found too many errors, whatever the previous version does."""

    def rule(canary: Counted, _: Counted) -> NDArray[np.bool_]:
        n, errors = canary[..., 0], canary[..., 1]
        return (errors > (1 - least_success) * n).cumsum(axis=1) >= failed_looks

    return rule


def by_z(canary: Counted, previous: Counted) -> NDArray[np.bool_]:
    """Alarm whenever errors or slow answers differ at half a per cent, one-sided, over all requests so far."""
    (n, *bad), (m, *bad_other) = (np.moveaxis(one.cumsum(axis=1), -1, 0) for one in (canary, previous))
    return np.logical_or(*(_z(a, n, b, m) > norm.isf(0.005) for a, b in zip(bad, bad_other, strict=True)))


def by_z_once(canary: Counted, previous: Counted) -> NDArray[np.bool_]:
    """The same, looked at once, after the last request."""
    alarm = by_z(canary, previous)
    alarm[:, :-1] = False
    return alarm


def _z(bad: Counted, n: Counted, bad_other: Counted, m: Counted) -> NDArray[np.float64]:
    pooled = (bad + bad_other) / np.maximum(n + m, 1)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)))
    return np.asarray((bad / np.maximum(n, 1) - bad_other / np.maximum(m, 1)) / np.maximum(spread, 1e-9))


PEERS: dict[str, Rule] = {
    "threshold 99 %, 5 looks (Flagger's example)": by_threshold(0.99, 5),
    "threshold 95 %, 3 looks (Argo's example)": by_threshold(0.95, 3),
    "z-test peeked at": by_z,
    "z-test once": by_z_once,
}
"""Rules that others decide by, each given the same traffic and the same looks."""


def watched(world: World, weights: list[int], n: int, rng: np.random.Generator) -> tuple[Counted, Counted]:
    """Counts of so many rollouts at the given weights, one a look: canary and previous version."""
    shape = (n, len(weights))
    asked = rng.binomial(world.traffic, np.array(weights) / 100, shape)
    beside = np.where(asked < world.traffic, world.traffic - asked, world.traffic)
    share = rates(world, world.from_step, rng.random((2, *shape)) < world.bursts)
    return _all_served(asked, share[0], world.clump, rng), _all_served(beside, share[1], world.clump, rng)


def _all_served(n: Counted, share: NDArray[np.float64], clump: int, rng: np.random.Generator) -> Counted:
    failed = clump * rng.binomial(n // clump, np.broadcast_to(share[0], n.shape))
    return np.stack([n, failed, rng.binomial(n, np.broadcast_to(share[1], n.shape))], axis=-1)
