"""Kills promoter and reconciler at random moments, and looks at what is left once the next run is through.

`python -m tests.rollout.killing [SEED …] [--seeds N [--first SEED]]` prints a line of JSON a seed. What fails
names the seed, which alone, given again, replays what people did and when the processes were killed.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from rollout.row import ENDS, Event
from tests.rollout.small_world import MODEL, World, begun, until_done

WRONGS = ("", "", "", "build", "start", "wrong")
LIFE_S = 0.16
"""Longest life of a process before it is killed."""


def replay(seed: int) -> dict:
    """What one seed does to a world, and what is wrong afterwards."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="agro-killing-", dir=_memory()) as folder:
        os.environ["AGRO_HOME"] = folder
        bad = {number: rng.choice(WRONGS) for number in range(2, 5)}
        world = begun(Path(folder) / "world", bad=bad, meshed=rng.random() < 0.9, seed=seed)
        kills = _disturbed(world, rng)
        until_done(world.promoter())
        found = {"seed": seed, "kills": kills, "bad": bad, "events": len(world.history().rows(MODEL))}
        return found | {"faults": faults(world)}


def _disturbed(world: World, rng: random.Random) -> int:
    """People choose and say things while two processes work, and are killed again and again."""
    kills = 0
    for _ in range(rng.randint(2, 4)):
        _act(world, rng)
        for _ in range(rng.randint(1, 3)):
            living = [_born(world, rng.random()) for _ in range(2)]
            for pid in rng.sample(living, 2):
                time.sleep(rng.random() * LIFE_S / 2)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                kills += 1
    return kills


def _act(world: World, rng: random.Random) -> None:
    """Something that a person does."""
    chosen = rng.choice([1, 2, 2, 3, 3, 4, None])
    if rng.random() < 0.2 and chosen is not None:
        world.again(chosen)
    else:
        world.choose(chosen)
    if rng.random() < 0.15:
        world.say(rng.choice([Event.ABORT, Event.PAUSE]), chosen)
        world.say(Event.RESUME, chosen)


def _born(world: World, seed: float) -> int:
    """A process that promotes, as a run of the flow or of the reconciler does."""
    pid = os.fork()
    if pid == 0:
        try:
            world.rng = random.Random(seed)
            promoter = world.promoter()
            while True:
                promoter.tick(MODEL)
                time.sleep(0.001)
        finally:
            os._exit(1)
    return pid


def faults(world: World) -> list[str]:
    """What is not as it must be when nothing is under way."""
    rows, running = world.history().rows(MODEL), world.running()
    serving = world.history().serving()
    chosen = world.chosen()
    served = [row.version for row in rows if row.event == Event.SERVES and row.arm == "champion"]
    allowed = {chosen} if chosen is not None and not world.rejected().get(str(chosen)) else {chosen, *served[-2:]}
    told = {
        "one version runs": set(running) == {"champion"},
        "it is the champion or the one before it": running["champion"]["version"] in allowed,
        "the history says so": [(row.arm, row.tag) for row in serving] == [("champion", running["champion"]["tag"])],
        "every rollout has an end": _paired([row.event for row in rows]),
        "every end was told": len([row for row in rows if row.event in ENDS]) <= len(world.mails()),
        "all of the traffic goes there": world.split() is None or dict(world.split().weights) == {"champion": 100},
        "a rejected version was not tried again": _not_again(world, rows),
    }
    return [name for name, holds in told.items() if not holds]


def _paired(events: list[str]) -> bool:
    kept = [event == Event.BEGUN for event in events if event == Event.BEGUN or event in ENDS]
    return kept[::2] == [True] * (len(kept) // 2) and kept[1::2] == [False] * (len(kept) // 2) and len(kept) % 2 == 0


def _not_again(world: World, rows: list) -> bool:
    """Where nobody ever said again."""
    if world.said_again():
        return True
    rejected = set()
    for row in rows:
        if row.event == Event.BEGUN and row.version in rejected:
            return False
        rejected |= {row.version} if row.event == Event.REJECTED else set()
    return True


def _memory() -> str | None:
    """Where files cost no disk; a process that is killed loses none of them."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> int:
    """Replay seeds; 1 where one has a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.rollout.killing", description=__doc__)
    parser.add_argument("seed", nargs="*", type=int)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    bad = 0
    for seed in [*asked.seed, *range(asked.first, asked.first + asked.seeds)]:
        found = replay(seed)
        bad += bool(found["faults"])
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
