"""Questions to Envoy's admin interface, over its unix socket."""

import http.client
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rollout.envoy.bootstrap import ADMIN
from rollout.errors import TargetUnreachable


class Admin:
    """The admin interface of the Envoy that runs in a folder."""

    def __init__(self, folder: Path, timeout_s: float = 2.0) -> None:
        self.folder, self.timeout_s = folder, timeout_s

    def stats(self, names: str, **more: str) -> list[dict[str, Any]]:
        """The statistics whose names fit a regular expression.

        Raises:
            TargetUnreachable: No Envoy runs in the folder, or it does not answer.
        """
        try:
            found: list[dict[str, Any]] = json.loads(self._get("/stats", format="json", filter=names, **more))["stats"]
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise TargetUnreachable(f"no Envoy answers in {self.folder}; `agro up --mesh` starts it") from exc
        return found

    def values(self, names: str) -> dict[str, Any]:
        """Statistics of one value each, by name; the same errors."""
        return {row["name"]: row["value"] for row in self.stats(names) if "name" in row}

    def runs(self) -> bool:
        """Whether an Envoy holds the socket; one that hangs does, one that was killed does not."""
        try:
            with _connected(self.folder, self.timeout_s):
                return True
        except OSError:
            return False

    def _get(self, path: str, **asked: str) -> bytes:
        with _connected(self.folder, self.timeout_s) as held:
            connection = http.client.HTTPConnection("admin")
            connection.sock = held
            connection.request("GET", f"{path}?{urlencode(asked)}")
            return connection.getresponse().read()


@contextmanager
def _connected(folder: Path, timeout_s: float) -> Iterator[socket.socket]:
    with _short(folder) as path, socket.socket(socket.AF_UNIX) as held:
        held.settimeout(timeout_s)
        held.connect(path)
        yield held


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """The path of the admin socket, short enough for a socket however deep the folder lies."""
    if not Path("/proc/self/fd").exists():
        yield str(folder / ADMIN)
        return
    handle = os.open(folder, os.O_PATH)
    try:
        yield f"/proc/self/fd/{handle}/{ADMIN}"
    finally:
        os.close(handle)
