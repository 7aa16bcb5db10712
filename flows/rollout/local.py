"""The versions that run on the local platform."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import numpy as np

from bentos import deploy, standing, supervised
from bentos.bento import Bento, find
from bentos.check import CheckReport, ask, replay
from bentos.deploy import Newcomer
from bentos.errors import BentoNotFound, BentoRefused, BentoUnready, BuildFailed
from bentos.settings import ServingSettings
from features import replays
from features.store import Store
from flows import package
from flows.rollout.arms import Built, Checked, VersionRefused
from flows.settings import PromotionSettings
from models.families import registered
from registry.errors import DigestMismatch
from registry.registry import Registry
from rollout.answers import differs
from rollout.history import History
from rollout.observations import Compared
from web.client import client_of

ROUNDS = 3
"""Times that the golden requests are asked to measure them; the first warms up."""


@dataclass
class LocalArms:
    """Bentos under the local platform's supervisor: `Arms`, for real."""

    registry: Registry
    history: History
    store: Callable[[], Store]
    """Connects to where predictions are logged."""
    settings: ServingSettings = field(default_factory=ServingSettings)
    limits: PromotionSettings = field(default_factory=PromotionSettings)
    _since: dict[str, datetime] = field(default_factory=dict)
    """By canary, the moment before which requests are replayed."""

    def build(self, model: str, version: int) -> Built:
        """As `Arms.build`."""
        began = monotonic()
        with _refused():
            bento = package.build.fn(self.registry, model, version, self.settings)
        size = sum(path.stat().st_size for path in bento.path.rglob("*") if path.is_file())
        return Built(bento.tag, bento.digest, f"{size / 1e6:.1f} MB, packaged in {monotonic() - began:.1f} s")

    def start(self, model: str, tag: str) -> Checked:
        """As `Arms.start`."""
        return self._begin(self._bento(model, tag), "canary")

    def serve(self, model: str, tag: str) -> Checked:
        """As `Arms.serve`."""
        bento = self._bento(model, tag)
        if deploy.serves(bento, self.settings):
            return Checked(self.settings.port(model), "it served already", 0.0)
        return self._begin(bento, "champion")

    def stop(self, model: str) -> None:
        """As `Arms.stop`."""
        place = standing.place(model, "canary")
        place.give("")
        for name in supervised.conditions():
            if place.numbered(name):
                supervised.remove(name)
        deploy.sweep(standing.place(model, "champion"))

    def replay(self, model: str, before: str, skip: int, count: int) -> Compared:
        """As `Arms.replay`; where nothing was logged, the golden requests of the version before."""
        place = standing.place(model, "canary")
        pairs = self._asked_before(model, before, place.holder())[skip : skip + count]
        with client_of(place.socket(place.holder())) as asking:
            asking.timeout = self.settings.request_timeout_s
            answers = [ask(asking, registered(model).route, asked) for asked, _ in pairs]
        came = [answer if status == 200 else None for status, answer in answers]
        least = self.limits.least_alike
        return Compared(
            len(pairs), sum(differs(asked, said, one, least) for (asked, said), one in zip(pairs, came, strict=True))
        )

    def _asked_before(self, model: str, before: str, canary: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        bento = self._bento(model, before)
        golden = [(pair["request"], pair["answer"]) for pair in bento.golden()]
        if any("image_base64" in asked for asked, _ in golden):  # the log keeps no photographs
            return golden
        since = self._since.setdefault(canary, datetime.now(UTC))
        with self.store() as store:
            logged = replays.last(store, model, bento.version, since, self.limits.replayed)
        return logged or golden

    def _begin(self, bento: Bento, arm: str) -> Checked:
        """Start it beside what stands there, check it, and let it have the port."""
        beside = package.neighbours(bento, self.history, self.settings)
        with _refused(), deploy.trial(bento, self.settings, arm, beside) as newcomer:
            return self._check(newcomer)

    def _check(self, newcomer: Newcomer) -> Checked:
        """It answers as its model, and not much slower than what serves."""
        bento = newcomer.bento
        report = package.approved(replay(bento, newcomer.socket, self.settings, newcomer.ready_s))
        place = standing.place(bento.model)
        own, usual = self._p95(bento, newcomer.socket), 0.0
        if place.holder() and place.socket(place.holder()) != newcomer.socket:
            usual = self._p95(bento, place.socket(place.holder()))
        limit = self.limits.slower_factor * usual + self.limits.slower_ms
        if usual and own > limit:
            raise BentoRefused(
                f"{bento.tag}: p95 {own:.0f} ms, {usual:.0f} ms of what serves; {limit:.0f} ms is allowed"
            )
        beside = f", of what serves {usual:.0f} ms" if usual else ""
        return Checked(newcomer.port, f"{report.summary()}; p95 {own:.0f} ms{beside}", limit)

    def _p95(self, bento: Bento, socket: Any) -> float:
        """Of the golden requests, in milliseconds; 0 where there are none."""
        rounds: list[CheckReport] = [replay(bento, socket, self.settings, 0.0) for _ in range(ROUNDS)]
        times = [ms for report in rounds[1:] for ms in report.latency_ms]
        return float(np.quantile(times, 0.95)) if times else 0.0

    def _bento(self, model: str, tag: str) -> Bento:
        """The built Bento of a tag, built again where it was pruned."""
        try:
            return find(tag, self.settings.home)
        except BentoNotFound:
            version = int(tag.partition(":")[2].partition("-")[0])
            return find(self.build(model, version).tag, self.settings.home)


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except (BentoRefused, BentoUnready, BuildFailed, DigestMismatch) as exc:
        raise VersionRefused(str(exc)) from exc
