"""The recommender beside named peers: quality with intervals, fit time and peak memory, each in its own process.

`python -m benchmarks.recommendation` prints a table over the real data sets (`AGRO_SHARED_DATA`, default
../shared/data; a seeded market where they are absent). `--quick` takes the smallest and stays under a minute,
`--scaling` grows users, items and events instead (`--picture FILE` draws the curve), `--json` prints one document.

Every peer that has something to tune gets four trials on a further split of train, as ours does in effect: two
regularisations and a few hundred sums of precomputed scores. Threads are what OMP_NUM_THREADS says, the same for all.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks import _report
from benchmarks._peers import Score, peer
from models.bootstrap import paired_bootstrap
from models.recommendation import splits
from models.recommendation.catalogue import labels
from models.recommendation.controls import Shelf, pick
from models.recommendation.data import RecommenderData
from models.recommendation.events import encode
from models.recommendation.family import FAMILY
from models.recommendation.metrics import NDCG_AT, judge, masked
from models.recommendation.reasons import news
from models.recommendation.splits import Split

PEERS = ("popularity", "recent_popularity", "ease", "implicit_als", "dense_svd")
CASES: dict[str, dict[str, Any]] = {
    "movies": {"path": "movies", "protocol": "user-holdout", "target": 0.1415, "peers": PEERS},
    "groceries": {"path": "groceries.csv", "protocol": "user-holdout", "target": 0.341, "peers": PEERS},
    "grocery_journey": {"path": "grocery_journey", "protocol": "user-holdout", "target": 0.2288, "peers": PEERS},
    "grocery_journey_again": {"path": "grocery_journey", "protocol": "next-basket", "peers": ("own_most_bought",)},
    "movies_cold": {"path": "movies", "protocol": "cold-items", "peers": ("similar_popularity",)},
}
SIZES = (
    (1_000, 1_000, 100_000),
    (10_000, 5_000, 1_000_000),
    (50_000, 20_000, 5_000_000),
    (200_000, 50_000, 10_000_000),
    (1_000_000, 50_000, 50_000_000),
)


def market(n_users: int = 400, n_items: int = 600, n_events: int = 20_000, seed: int = 0) -> RecommenderData:
    """Buyers with one of twenty tastes and a long-tailed catalogue; the same for the same seed."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, n_users, n_events)
    rank = np.minimum((n_items / 20) * rng.random(n_events) ** 3, n_items / 20 - 1).astype(int)
    taste = np.where(rng.random(n_events) < 0.7, user % 20, rng.integers(0, 20, n_events))
    frame = pd.DataFrame(
        {
            "user_id": user,
            "item_id": rank * 20 + taste,
            "timestamp": rng.integers(1_600_000_000, 1_630_000_000, n_events),
        }
    )
    return RecommenderData(frame, None, "market")


def load(name: str) -> RecommenderData:
    """A case's data, or the seeded market."""
    folder = Path(os.environ.get("AGRO_SHARED_DATA", "../shared/data")) / "interactions"
    return market() if name == "market" else FAMILY.read(folder / CASES[name]["path"])


# ---- one measurement, in a process of its own --------------------------------------------------------------------


def measure(case: str, who: str, out: Path) -> None:
    """Fit and judge one side of a case, and write NDCG@10 per user, seconds and peak memory."""
    data = load(case)
    split = splits.make(encode(data, with_catalogue=data.items is not None), {"name": _protocol(case)})
    before, started = _peak_mb(), time.perf_counter()
    if who == "ours":
        scorer = FAMILY.fitted(split.train, data, FAMILY.default_recipe()).scorer(split.mode)
    else:
        scorer = peer(who, split.train, data, split)
    seconds = time.perf_counter() - started
    judged = judge(scorer, split)
    extra = {"controlled": _controlled(scorer, split, data)} if who == "ours" and data.items is not None else {}
    result = {"seconds": seconds, "peak_mb": _peak_mb(), "data_mb": before, "ndcg": judged.ndcg.tolist(), **extra}
    out.write_text(json.dumps(result))


CONTROLS = {
    "at most 2 of a category": {"max_per_category": 2},
    "at least 1 new item": {"min_new": 1},
    "at least 2 new items": {"min_new": 2},
}


def _controlled(scorer: Score, split: Split, data: RecommenderData) -> dict[str, float]:
    """NDCG@10 with the controls of a list: what diversity and freshness cost."""
    kind = pd.factorize(labels(data.items, split.train.items)["category"])[0]
    shelf = Shelf(kind, news(split.train))

    def controlled(limits: dict[str, int]) -> Score:
        def score(users: np.ndarray) -> np.ndarray:
            ranked = masked(scorer(users), users, split, split.candidates)
            chosen = np.full(ranked.shape, -np.inf, np.float32)
            for row, scores in enumerate(ranked):
                items = pick(scores, NDCG_AT, shelf, **limits)
                chosen[row, items] = -np.arange(len(items))
            return chosen

        return score

    return {name: float(judge(controlled(limits), split).ndcg.mean()) for name, limits in CONTROLS.items()}


def _protocol(case: str) -> str:
    return str(CASES.get(case, {}).get("protocol", "user-holdout"))


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(*arguments: str) -> dict[str, Any]:
    """One measurement in a fresh process; a crash or lack of memory is a result too."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        command = [sys.executable, "-m", "benchmarks.recommendation", "--out", str(out), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode or not out.exists():
            return {"failed": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]}
        return dict(json.loads(out.read_text()))


# ---- tables -------------------------------------------------------------------------------------------------------


def compare(case: str, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Ours and every peer on one case: claims of quality."""
    peers = CASES.get(case, {"peers": PEERS[:-1]})["peers"]
    found = {who: apart("--one", case, who) for who in ("ours", *peers)}
    say(f"\n{case} ({_protocol(case)})  ours: {FAMILY.default}")
    say(f"{'':20}{'NDCG@10':>9}{'ours - it, 95 %':>28}{'fit s':>9}{'peak MB':>9}")
    for who, result in found.items():
        say(_line(who, result, found["ours"]))
    ours = found["ours"]
    if "failed" in ours:
        return []
    scores = {who: float(np.mean(r["ndcg"])) for who, r in found.items() if who != "ours" and "ndcg" in r}
    mean = float(np.mean(ours["ndcg"]))
    target = CASES.get(case, {}).get("target", max(scores.values(), default=0.0))
    claims = [_claim(f"{case} NDCG@10", mean, scores, "NDCG@10", "higher", target, mean >= target)]
    times = {
        who: r["seconds"] for who, r in found.items() if who in {"ease", "implicit_als", "dense_svd"} and "ndcg" in r
    }
    if "ease" in times:
        claims.append(
            _claim(
                f"{case} fit and tuning",
                ours["seconds"],
                times,
                "s",
                "lower",
                times["ease"],
                ours["seconds"] <= times["ease"],
            )
        )
    for name, value in ours.get("controlled", {}).items():
        say(f"{name}: NDCG@10 {value:.4f} ({value - mean:+.4f})")
    return claims


def _line(who: str, result: dict[str, Any], ours: dict[str, Any]) -> str:
    if "failed" in result:
        return f"{who:20} failed: {result['failed'][:80]}"
    interval = ""
    if who != "ours" and "ndcg" in ours:
        gain = paired_bootstrap(np.array(ours["ndcg"]), np.array(result["ndcg"]))
        interval = f"{gain.mid:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
    return f"{who:20}{np.mean(result['ndcg']):9.4f}{interval:>28}{result['seconds']:9.1f}{result['peak_mb']:9.0f}"


def _claim(
    name: str, ours: float, peers: dict[str, float], unit: str, better: str, target: float, met: bool
) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours, 5),
        "peers": {k: round(v, 5) for k, v in peers.items()},
        "unit": unit,
        "better": better,
        "target": target,
        "met": bool(met),
    }


def scale(
    sizes: tuple[tuple[int, int, int], ...], say: Callable[[str], None], picture: Path | None = None
) -> list[dict[str, Any]]:
    """Fit time and peak memory as users, items and events grow, hyperparameters settled."""
    say(f"{'users':>9}{'items':>9}{'events':>12}{'fit s':>9}{'peak MB':>9}{'dense MB':>11}")
    claims = []
    curve: list[Point] = []
    for users, items, events in sizes:
        found = apart("--size", str(users), str(items), str(events))
        dense_mb = users * items * 8 / 2**20
        if "failed" in found:
            say(f"{users:9}{items:9}{events:12}  failed: {found['failed'][:60]}")
            continue
        say(f"{users:9}{items:9}{events:12}{found['seconds']:9.1f}{found['peak_mb']:9.0f}{dense_mb:11.0f}")
        curve.append(Point(events, found["seconds"], found["peak_mb"], dense_mb))
        claims.append(
            _claim(
                f"{users} users x {items} items x {events} events: peak memory",
                found["peak_mb"],
                {"dense matrix": dense_mb},
                "MB",
                "lower",
                20_000,
                found["peak_mb"] < 20_000,
            )
        )
    if picture and curve:
        draw(curve, picture)
    return claims


class Point(NamedTuple):
    """One size that was measured."""

    events: int
    seconds: float
    peak_mb: float
    dense_mb: float


def draw(curve: list[Point], path: Path) -> None:
    """Draw time and memory against events."""
    from matplotlib.figure import Figure

    events, seconds, peak, dense = zip(*curve, strict=True)
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    time_axes, memory_axes = figure.subplots(1, 2)
    time_axes.loglog(events, seconds, "o-", color="#2e7d32")
    time_axes.set(title="Fit, seconds", xlabel="events")
    memory_axes.loglog(events, [mb / 1024 for mb in peak], "o-", color="#2e7d32", label="peak of the process")
    memory_axes.loglog(events, [mb / 1024 for mb in dense], "o--", color="#9e9e9e", label="dense matrix alone")
    memory_axes.set(title="Memory, GB", xlabel="events")
    memory_axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def measure_size(users: int, items: int, events: int, out: Path) -> None:
    """Fit one size of the seeded market."""
    data = market(users, items, events)
    recipe = FAMILY.default_recipe(
        "collaborative", reg=events / users * 3, profile={"one": 1.0, "rel2": 1.0}, trends={"365": 0.1}, personal=True
    )
    started = time.perf_counter()
    FAMILY.fit(data, recipe)
    out.write_text(json.dumps({"seconds": time.perf_counter() - started, "peak_mb": _peak_mb()}))


def main() -> None:
    """Run what the command line asks for."""
    parser = _report.arguments("The recommender beside named peers.")
    parser.add_argument("--scaling", action="store_true", help="memory and time as the market grows")
    parser.add_argument("--picture", type=Path, help="where --scaling draws its curve")
    parser.add_argument("--cases", nargs="*", help=f"of {', '.join(CASES)}")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--size", nargs=3, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    _report.bound_threads()
    if asked.one:
        return measure(asked.one[0], asked.one[1], asked.out)
    if asked.size:
        return measure_size(asked.size[0], asked.size[1], asked.size[2], asked.out)
    started = time.perf_counter()
    _report.report(run(asked), asked.json, time.perf_counter() - started)
    return None


def run(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """The claims of what was asked for; tables go to stderr where stdout holds JSON."""
    say = _report.to_stderr if asked.json else print
    if asked.scaling:
        return scale(SIZES[:2] if asked.quick else SIZES, say, asked.picture)
    return [claim for case in _cases(asked) for claim in compare(case, say)]


def _cases(asked: argparse.Namespace) -> list[str]:
    folder = Path(os.environ.get("AGRO_SHARED_DATA", "../shared/data")) / "interactions"
    if not folder.is_dir():
        return ["market"]
    if asked.cases:
        return list(asked.cases)
    return ["groceries"] if asked.quick else list(CASES)


if __name__ == "__main__":
    main()
