"""The target of the local platform: weights in the files that Envoy reads, in use before `set` returns."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rollout.envoy import bootstrap, clusters, counts, files, routes
from rollout.envoy.admin import Admin
from rollout.envoy.counts import Answered
from rollout.envoy.settings import MeshSettings
from rollout.errors import TargetRefused, TargetUnreachable, UnknownService
from rollout.target import Address, Arm, Split

_VERSION = {
    bootstrap.CLUSTERS: "cluster_manager.cds",
    bootstrap.ROUTES: "http.front.rds.front",
}
_STATS = r"(cluster_manager\.cds|http\.front\.rds\.front)\.(version_text|update_rejected)$"


class EnvoyTarget:
    """Splits the traffic of the local services.

    Addresses come into Envoy before any route leads to them, and leave it a change later, with their last answers; the
    step between is one file that is replaced whole. Without a running Envoy the files are what its next start reads.
    """

    def __init__(self, paths: Mapping[str, Sequence[str]], settings: MeshSettings | None = None) -> None:
        """Take what does not change.

        Args:
            paths: The paths that lead to each service, each with all that is below it.
            settings: The front's.
        """
        self.paths, self.settings = paths, settings or MeshSettings()
        self.folder = self.settings.folder
        self.admin = Admin(self.folder)

    def get(self, service: str) -> Split | None:
        """The split of a service; None where none was ever set.

        Raises:
            UnknownService: No path leads to it.
            TargetDamaged: Other hands wrote into the file.
        """
        self._known(service)
        return files.splits(self._file(bootstrap.ROUTES)).get(service)

    def set(
        self,
        service: str,
        weights: Mapping[Arm, int],
        where: Mapping[Arm, Address],
        mirror: Arm | None = None,
        salt: str = "",
    ) -> None:
        """Divide the traffic of a service from now on, and return when Envoy does so.

        Raises:
            WeightsRefused: The split is not sound; nothing was changed.
            UnknownService: No path leads to the service.
            TargetRefused: Envoy did not accept it; the split before holds.
            TargetUnreachable: Envoy hangs; the new split holds from when it wakes or starts.
        """
        self._known(service)
        split = clusters.check(Split(dict(weights), dict(where), mirror, salt))
        with files.alone(self.folder):
            before = files.splits(self._file(bootstrap.ROUTES))
            self._bring(before, {**before, service: split})

    def prepare(self, first: Mapping[str, Split]) -> None:
        """Write what Envoy starts with; a service that has weights keeps them.

        Args:
            first: The split of each service that has none yet.

        Raises:
            TargetDamaged: Other hands wrote into the file of weights.
        """
        with files.alone(self.folder):
            kept = files.splits(self._file(bootstrap.ROUTES))
            self._bring(kept, {**first, **kept})
            text = json.dumps(bootstrap.document(self.settings), indent=1)
            files.write(self.folder / "bootstrap.json", text.encode())

    def observe(self, service: str) -> dict[Arm, Answered]:
        """What each arm of a service has answered so far, the one that only gets copies included.

        Raises:
            UnknownService: No path leads to the service.
            TargetUnreachable: Envoy does not answer.
        """
        split = self.get(service)
        where = split.where if split else {}
        return {arm: counts.read(self.admin, clusters.name(service, at)) for arm, at in where.items()}

    def _bring(self, before: Mapping[str, Split], after: Mapping[str, Split]) -> None:
        """Addresses first, then the routes to them."""
        self._put(bootstrap.CLUSTERS, files.content(clusters.document([before, after], self.settings)))
        self._put(bootstrap.ROUTES, files.content(routes.document(after, self.paths, self.settings)))

    def _put(self, name: str, written: bytes) -> None:
        """Write a file unless it says so already, and see it in use.

        Raises:
            TargetRefused: Envoy did not accept it; the file is as it was.
            TargetUnreachable: Envoy does not say that it uses it.
        """
        path = self._file(name)
        before = path.read_bytes() if path.exists() else None
        refused = self._refusals(name)
        if before != written:
            files.write(path, written)
        try:
            self._wait(name, written, refused)
        except TargetRefused:
            if before is not None:
                files.write(path, before)
            raise

    def _wait(self, name: str, written: bytes, refused: int) -> None:
        wanted, end = files.version(written), time.monotonic() + self.settings.apply_timeout_s
        again = time.monotonic() + self.settings.apply_timeout_s / 5
        while self.admin.runs() and self._in_use(name) != wanted:
            if self._refusals(name) > refused:
                raise TargetRefused(f"Envoy refused {self._file(name)}; the weights are as before, its log says why")
            if time.monotonic() > end:
                raise TargetUnreachable(f"Envoy does not take up {self._file(name)}; it holds from its next start")
            if time.monotonic() > again:
                files.write(self._file(name), written)
                again = end
            time.sleep(0.02)

    def _in_use(self, name: str) -> str:
        return str(self._stats().get(f"{_VERSION[name]}.version_text", ""))

    def _refusals(self, name: str) -> int:
        return int(self._stats().get(f"{_VERSION[name]}.update_rejected", 0))

    def _stats(self) -> dict[str, Any]:
        try:
            return self.admin.values(_STATS)
        except TargetUnreachable:
            return {}

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _known(self, service: str) -> None:
        if service not in self.paths:
            raise UnknownService(f"no path leads to {service!r}; there are {', '.join(sorted(self.paths))}")
