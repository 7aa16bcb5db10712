"""What every benchmark shares: timing, and its claims as a document or as lines."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from typing import Any


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the two options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smaller case, under a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


def bound_threads() -> None:
    """The same number of threads for ours and for every peer; call it before numpy computes."""
    os.environ.setdefault("OMP_NUM_THREADS", str(min(os.cpu_count() or 1, 2)))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ["OMP_NUM_THREADS"])


def seconds(work: Callable[[], Any], rounds: int = 3) -> float:
    """Wall time of the quickest of some rounds."""
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return min(took)


def faster(name: str, ours: float, peers: dict[str, float], against: str) -> dict[str, Any]:
    """The claim that ours takes no longer than one of its peers, in seconds."""
    rounded = {peer: round(value, 3) for peer, value in peers.items()}
    return {
        "name": name, "ours": round(ours, 3), "peers": rounded, "unit": "s", "better": "lower",
        "target": rounded[against], "met": ours <= peers[against],
    }  # fmt: skip


def to_stderr(text: str) -> None:
    """Print beside stdout."""
    print(text, file=sys.stderr, flush=True)


def report(claims: list[dict[str, Any]], as_json: bool, took: float) -> None:
    """The claims as JSON or as lines."""
    threads = os.environ["OMP_NUM_THREADS"]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {threads} threads, Python {platform.python_version()}"
    if as_json:
        print(json.dumps({"claims": claims, "machine": machine, "seconds": round(took, 1)}))
        return
    print(f"\n{machine}; {took:.1f} s")
    for claim in claims:
        verdict = "met   " if claim["met"] else "MISSED"
        peers = ", ".join(f"{who} {value}" for who, value in claim.get("peers", {}).items())
        print(f"{verdict} {claim['name']}: {claim['ours']} {claim['unit']} (target {claim['target']}; {peers})")
