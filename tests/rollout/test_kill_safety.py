"""Promoters are killed at random moments: the next run finishes the job, and nothing is left over."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
WORKERS = 4
"""Processes; most of a seed is waiting."""


def replayed(seeds, say=print):
    """What became of each seed; the seeds are dealt out to some processes."""
    share = seeds // WORKERS
    commands = [
        [sys.executable, "-m", "tests.rollout.killing", "--first", str(first), "--seeds", str(share)]
        for first in range(0, seeds, share)
    ]
    running = [
        subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    answers = [process.communicate() for process in running]
    assert [
        (process.returncode, told[-2000:]) for process, (_, told) in zip(running, answers, strict=True) if told
    ] == []
    return [json.loads(line) for said, _ in answers for line in said.splitlines()]


def judged(found, seeds):
    assert len(found) == seeds
    assert sum(one["kills"] for one in found) >= 4 * seeds
    bad = {f"python -m tests.rollout.killing {one['seed']}": one["faults"] for one in found if one["faults"]}
    assert bad == {}


def test_forty_seeds_end_with_one_version_whole_traffic_and_a_whole_history():
    judged(replayed(40), 40)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_seeds():
    judged(replayed(2000), 2000)
