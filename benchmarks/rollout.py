"""How often a rollout takes back a good version, and how soon it stops a bad one, beside what others decide by.

`python -m benchmarks.rollout`: 1,000 simulated rollouts of each kind, decided by `rollout.decisions.decide` as a real
one is: shadow, 5, 25, 50 and 100 per cent, a look a minute, 500 requests between two looks. `--quick` has fewer and
larger looks, and 100 of each kind. Peers are rules as their documentation shows them, given the same traffic and looks:
thresholds as in the examples of Flagger (success of 99 % or more, rolled back at the 5th failed look) and of Argo
Rollouts (95 %, the third), and a two-proportion z-test of errors and slow answers at 1 % together, peeked at each look
or taken once at the end. `--picture FILE` draws one good and one bad rollout.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _report
from benchmarks._rollouts import PEERS, End, World, run, watched
from rollout import evidence
from rollout.plan import Plan

Make = Callable[[np.random.Generator], World]

SLOWER = 0.107
"""Share of log-normal answers (sigma 1) above their 95th percentile when all take half as long again."""
GOOD: dict[str, Make] = {
    "0.1 % errors": lambda _: World(errors=0.001),
    "1 % errors": lambda _: World(),
    "5 % errors": lambda _: World(errors=0.05),
    "1 % errors and bursts of 30 % that hit both": lambda _: World(bursts=0.05),
    "a slow tail, its limit estimated from 2,000 answers": lambda rng: World(slow=float(rng.beta(100, 1900))),
    "as many differing answers as are borne": lambda _: World(differing=0.2),
}
WRONG = World(differing=0.4)
BAD: dict[str, World] = {
    "errors from 1 to 3 %": World(canary_errors=0.03),
    "errors from 1 to 3 %, not in shadow": World(canary_errors=0.03, from_step=1),
    "answers half as slow again": World(canary_slow=SLOWER),
    "answers half as slow again, not in shadow": World(canary_slow=SLOWER, from_step=1),
    "two answers of five differ, one is borne": WRONG,
}
HARDER: dict[str, World] = {
    "errors from 1 to 2 %": World(canary_errors=0.02),
    "errors from 1 to 3 %, at 50 % of the traffic": World(canary_errors=0.03, from_step=3),
}
"""Bad versions that nothing is promised of."""
BEYOND: dict[str, tuple[World, Plan]] = {
    "each version has bursts of its own": (World(bursts=0.05, own_bursts=True), Plan()),
    "errors in clumps of 5": (World(clump=5), Plan()),
    "errors in clumps of 5, AGRO_ROLLOUT_CLUMP=5": (World(clump=5), Plan(clump=5)),
}
"""Good versions in worlds that the tests are not made for, and what helps."""
USUAL = {5: 40, 25: 8, 50: 5, 100: 5}
"""Looks that a good rollout spends at each weight."""
WITHIN = 1000
"""Requests of callers within which a bad version should be stopped."""


def ends(make: Make, n: int, traffic: int, plan: Plan | None = None) -> Iterator[End]:
    """So many rollouts, each with a seed of its own."""
    for seed in range(n):
        rng = np.random.default_rng((9, seed))
        yield run(replace(make(rng), traffic=traffic), plan or Plan(), rng)


def good(name: str, make: Make, n: int, traffic: int) -> dict[str, Any]:
    """The claim that at most one good version of a hundred is taken back."""
    aborted = float(np.mean([end.aborted for end in ends(make, n, traffic)]))
    looks = [weight for weight, count in USUAL.items() for _ in range(max(1, count * 500 // traffic))]
    return {
        "name": f"good versions taken back, of {n:,}: {name}", "ours": round(aborted, 4),
        "peers": others(make(np.random.default_rng(10)), looks, n, traffic),
        "unit": "share", "better": "lower", "target": 0.01, "met": aborted <= 0.01,
    }  # fmt: skip


def bad(name: str, world: World, n: int, traffic: int) -> dict[str, Any]:
    """The claim that a bad version is stopped within 1,000 requests of callers; peers have no shadow."""
    found = list(ends(lambda _: world, n, traffic))
    took = np.array([end.live_requests if end.aborted else np.inf for end in found])
    shadow = [end.decisions[-1].state.total.canary.requests - end.live_requests for end in found]
    stopped = float((took <= WITHIN).mean())
    return {
        "name": f"stopped within {WITHIN:,} requests: {name}", "ours": round(stopped, 3),
        "peers": others(world, [5] * (WITHIN * 20 // traffic), n, traffic) if world != WRONG else {},
        "unit": "share", "better": "higher", "target": 0.95, "met": stopped >= 0.95,
        "requests": {"median": float(np.median(took)), "p95": float(np.quantile(took, 0.95, method="higher"))},
        "shadow_requests": int(np.median(shadow)),
        "stopped_ever": round(float(np.isfinite(took).mean()), 3),
    }  # fmt: skip


def others(world: World, looks: list[int], n: int, traffic: int) -> dict[str, float]:
    """The share of rollouts that each peer stops; each world a seed of its own."""
    counts = watched(replace(world, traffic=traffic), looks, n, np.random.default_rng(len(looks)))
    return {peer: round(float(rule(*counts).any(axis=1).mean()), 3) for peer, rule in PEERS.items()}


def beyond(n: int, traffic: int) -> None:
    """Tell how often good versions are taken back where the assumptions do not hold."""
    for name, (world, plan) in BEYOND.items():
        aborted = np.mean([end.aborted for end in ends(lambda _, world=world: world, n, traffic, plan)])
        _report.to_stderr(f"  beyond the assumptions, {name}: {aborted:.3f} of good versions taken back")


def claims(n: int, traffic: int) -> list[dict[str, Any]]:
    """All of them."""
    found = []
    for name, make in GOOD.items():
        found.append(good(name, make, n, traffic))
        _report.to_stderr(f"  {found[-1]['name']}: {found[-1]['ours']}")
    for name, world in {**BAD, **HARDER}.items():
        row = bad(name, world, n, traffic)
        _report.to_stderr(
            f"  {name}: {row['shadow_requests']:,} in shadow, then {row['requests']['median']:,.0f} of callers, "
            f"medians; 95th percentile {row['requests']['p95']:,.0f}; {row['stopped_ever']:.3f} stopped before live"
        )
        found += [row] if name in BAD else []
    beyond(n, traffic)
    return found


def picture(file: Path) -> None:
    """Draw the evidence of one good and one bad rollout against the requests that the canary answered."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "rollout", "svg.fonttype": "none", "path.simplify_threshold": 0.5})
    from matplotlib import pyplot as plt

    plan = Plan()
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for name, world, colour in (
        ("no worse", World(), "#2c7a4b"),
        ("fails 3 % instead of 1 %, once it has callers", World(canary_errors=0.03, from_step=1), "#b3362b"),
    ):
        decisions = run(world, plan, np.random.default_rng(4)).decisions
        told = [sum(evidence.against(one.state.evidence, plan).values()) for one in decisions]
        counted = [one.state.total.canary.requests for one in decisions]
        axes.plot(counted, told, color=colour, label=name)
        for one, x, y in zip(decisions, counted, told, strict=True):
            if one.action != "hold":
                axes.plot(x, y, "o", color=colour, markersize=4)
                axes.annotate(one.step, (x, y), (0, 6), textcoords="offset points", fontsize=7, ha="center")
    axes.axhline(plan.evidence_to_stop, color="black", linewidth=0.8)
    axes.text(5000, plan.evidence_to_stop * 1.2, "from here on a version is taken back", fontsize=8)
    axes.set(yscale="log", ylim=(0.05, 400), ylabel="evidence against the version")
    axes.set_xlabel("requests that it answered, those in shadow included")
    axes.legend(frameon=False, fontsize=8, loc="center right")
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """Run what the command line asks for."""
    parser = _report.arguments("Rollouts decided by us and by others, simulated.")
    parser.add_argument("--picture", type=Path, help="draw two rollouts into this file, and nothing else")
    asked = parser.parse_args()
    if asked.picture:
        picture(asked.picture)
        return
    _report.bound_threads()
    started = time.perf_counter()
    found = claims(*((100, 2000) if asked.quick else (1000, 500)))
    _report.report(found, asked.json, time.perf_counter() - started)


if __name__ == "__main__":
    main()
