"""A platform in a folder: the alias, the versions that run and the front are files, each replaced whole.

Promoters of it are real, and so are their history and the processes they run in.
"""

import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from base.files import write_whole
from flows.rollout.arms import Built, Checked, VersionRefused
from flows.rollout.journal import Journal
from flows.rollout.promoter import Promoter
from flows.rollout.traffic import Traffic
from rollout.history import History
from rollout.observations import Compared, Served
from rollout.plan import Plan
from rollout.row import Event, Row
from rollout.settings import HistorySettings
from rollout.steps import Choice
from rollout.target import Split

MODEL = "recommender"
PLAN = Plan(bake_s=0.002, least_requests=20, patience_s=60)
RATE = 20_000
"""Requests a second that a version answers, so that a step takes milliseconds."""


def port(model, arm):
    return f"127.0.0.1:{3001 if arm == 'champion' else 3101}"


@dataclass(frozen=True)
class Counted:
    requests: int
    errors: int

    def served(self, limit_ms):
        return Served(self.requests, self.errors)


class World:
    """Its files; `bad` says what is wrong with a version: build, start, wrong or nothing."""

    def __init__(self, folder, bad=None, meshed=True, seed=0):
        self.folder, self.meshed = Path(folder), meshed
        self.bad = {int(number): what for number, what in (bad or {}).items()}
        self.rng, self.missing = random.Random(seed), ""
        for name in ("built", "running", "mails"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    # what people do

    def choose(self, number):
        write_whole(self.folder / "champion", json.dumps(number).encode())

    def again(self, number):
        write_whole(self.folder / "rejected", json.dumps({**self.rejected(), str(number): ""}).encode())
        (self.folder / "again").touch()
        self.choose(number)

    def said_again(self):
        return (self.folder / "again").exists()

    def say(self, event, version=None):
        self.history().append(Row(MODEL, event, version, who="ada", result=f"{event} by ada"))

    # what can be seen

    def history(self):
        return History.open(HistorySettings(file=self.folder / "history.db", records=self.folder / "none"))

    def chosen(self):
        return self._read("champion")

    def rejected(self):
        return self._read("rejected") or {}

    def running(self):
        """The versions that run, by file."""
        return {path.name: json.loads(path.read_text()) for path in (self.folder / "running").glob("[!.]*")}

    def serving(self):
        """What really answers on the champion's port."""
        return (self.running().get("champion") or {}).get("tag")

    def split(self):
        known = self._read("split")
        return Split(**known) if known else None

    def splits(self):
        """Every split that was ever set."""
        return [Split(**json.loads(line)) for line in (self.folder / "splits").read_text().splitlines()]

    def mails(self):
        return sorted(path.read_text() for path in (self.folder / "mails").glob("*"))

    def promoter(self):
        journal = Journal(self.history(), self.tell)
        return Promoter(self, self, Traffic(self if self.meshed else None, port, time.time), journal, lambda: PLAN)

    # the registry, as a promoter sees it

    def champion(self, model):
        number = self.chosen()
        return None if number is None else Choice(number, self.rejected().get(str(number), ""), self.missing)

    def take_back(self, model, bad, good, reason):
        write_whole(self.folder / "rejected", json.dumps({**self.rejected(), str(bad): reason}).encode())
        self.pause()
        if self.chosen() == bad and good is not None:
            self.choose(good)

    def put_back(self, model, bad, good, reason):
        self.choose(good)

    # the versions that run

    def build(self, model, version):
        self.pause()
        if self.bad.get(version) == "build":
            raise VersionRefused(f"version {version} cannot be packaged")
        tag = f"{model}:{version}-abcd1234"
        (self.folder / "built" / tag).touch()
        return Built(tag, f"sha256:{version}", "1 MB")

    def start(self, model, tag):
        self._begin(tag, "canary")
        return Checked(3101, "5 golden requests", 50.0)

    def serve(self, model, tag):
        if self.serving() != tag:
            self._begin(tag, "champion")
        return Checked(3001, "5 golden requests", 50.0)

    def stop(self, model):
        for unwanted in ("canary*", "champion-new"):
            for path in (self.folder / "running").glob(unwanted):
                self.pause()
                path.unlink(missing_ok=True)

    def replay(self, model, before, skip, count):
        wrong = self._what_is_wrong("canary") == "wrong"
        return Compared(count, count if wrong else 0)

    def _begin(self, tag, arm):
        """Beside what runs there, then in its place; a version that refuses is gone again."""
        number = int(tag.partition(":")[2].partition("-")[0])
        beside = self.folder / "running" / f"{arm}-new"
        write_whole(beside, json.dumps({"tag": tag, "at": time.time(), "version": number}).encode())
        self.pause()
        if self.bad.get(number) == "start":
            beside.unlink()
            raise VersionRefused(f"version {number} does not start")
        beside.replace(self.folder / "running" / arm)

    def _what_is_wrong(self, arm):
        return self.bad.get((self.running().get(arm) or {}).get("version"))

    # the front

    def get(self, service):
        return self.split()

    def set(self, service, weights, where, mirror=None, salt=""):
        split = Split(dict(weights), dict(where), mirror, salt)
        with (self.folder / "splits").open("a") as log:
            log.write(json.dumps(split.document()) + "\n")
        self.pause()
        write_whole(self.folder / "split", json.dumps(split.document()).encode())

    def observe(self, service):
        """Counts that grow with time, for as long as the version runs."""
        split, found = self.split(), {}
        for arm, address in split.where.items() if split else ():
            place = "champion" if address.endswith("3001") else "canary"
            since = (self.running().get(place) or {}).get("at", time.time())
            requests = int((time.time() - since) * RATE)
            found[arm] = Counted(requests, requests // 2 if self._what_is_wrong(place) == "wrong" else 0)
        return found

    # the rest

    def tell(self, subject, lines, key):
        write_whole(
            self.folder / "mails" / key.replace("/", "_")[:200],
            f"{subject}\n{chr(10).join(lines)}".encode(),
        )

    def pause(self):
        """A moment in which one may be killed."""
        time.sleep(self.rng.random() * 0.002)

    def _read(self, name):
        with suppress(FileNotFoundError):
            return json.loads((self.folder / name).read_text())
        return None


def begun(folder, **kinds):
    """A world in which version 1 serves."""
    world = World(folder, **kinds)
    world.choose(1)
    promoter = world.promoter()
    until_done(promoter)
    return world


def until_done(promoter, most=3000):
    """Ticks until nothing is due; which steps were done."""
    done = []
    for _ in range(most):
        step = promoter.tick(MODEL)
        if step.what == "nothing":
            return done
        done += [] if done[-1:] == [step.what] else [step.what]
        time.sleep(0.001)
    raise AssertionError(f"no end: {done[-5:]}")


def events(world):
    """The events of the history, looks left out."""
    return [row.event for row in world.history().rows(MODEL) if row.event != Event.LOOK]
