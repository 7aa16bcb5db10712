"""What a rollout needs of the versions that run: an edge, with the local platform behind it and a fake in tests."""

from dataclasses import dataclass
from typing import Protocol

from flows.errors import FlowsError
from rollout.observations import Compared


class VersionRefused(FlowsError):
    """A version cannot be served, or does not answer as it should; trying again does not help."""


@dataclass(frozen=True)
class Built:
    """A version, packaged."""

    tag: str
    digest: str
    result: str
    """Its size and what it took, in words."""


@dataclass(frozen=True)
class Checked:
    """A version that answers as its model does."""

    port: int
    result: str
    limit_ms: float
    """An answer that takes longer is slow; the same for both versions."""


class Arms(Protocol):
    """The versions of a model that run: one as `champion` on the port that everybody knows, and one as `canary`.

    Doing again what was done changes nothing.
    """

    def build(self, model: str, version: int) -> Built:
        """Package a version.

        Raises:
            VersionRefused: Its files are not the registered ones, or cannot be packaged.
        """
        ...

    def start(self, model: str, tag: str) -> Checked:
        """Start a packaged version as canary, where nobody asks it yet, and check it.

        Raises:
            VersionRefused: It does not start, answers otherwise than its model, or takes too long.
        """
        ...

    def serve(self, model: str, tag: str) -> Checked:
        """Let a packaged version take the champion's port over, once it is ready and checked.

        Raises:
            VersionRefused: As `start`; what served serves.
        """
        ...

    def stop(self, model: str) -> None:
        """Stop whatever runs as canary, and what was started for the champion's port and never got it."""
        ...

    def replay(self, model: str, before: str, skip: int, count: int) -> Compared:
        """Ask the canary the last requests that were logged, and compare its answers with those given then.

        Args:
            model: Whose.
            before: Tag of the version that gave them.
            skip: So many were asked before.
            count: So many more are wanted.
        """
        ...
