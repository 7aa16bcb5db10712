"""What an arm has answered, as Envoy counts it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollout.envoy.admin import Admin
from rollout.observations import Served

_CODES = "upstream_rq_(completed|4xx|5xx|time)"


@dataclass(frozen=True)
class Answered:
    """Counted since Envoy started, or since the address was last new to it."""

    requests: int = 0
    refused: int = 0
    """Answered with 4xx: the caller's fault, unless the arm refuses what others answer."""
    errors: int = 0
    """Answered with 5xx, or not at all."""
    within_ms: Mapping[float, int] = field(default_factory=dict)
    """How many answers took at most so many milliseconds; it lags behind the other counts by up to a second."""
    timed: int = 0
    """Answers in `within_ms`."""

    def over(self, limit_ms: float) -> int:
        """Answers that took longer than a limit; the limit is rounded up to the next bound."""
        bounds = [bound for bound in sorted(self.within_ms) if bound >= limit_ms]
        return self.timed - self.within_ms[bounds[0]] if bounds else 0

    def served(self, limit_ms: float) -> Served:
        """As a rollout looks at it; answers slower than the limit are slow ones."""
        return Served(self.requests, self.errors, self.timed, self.over(limit_ms))


def read(admin: Admin, cluster: str) -> Answered:
    """The counts of one cluster; zeros for one that was never asked.

    Raises:
        TargetUnreachable: Envoy does not answer.
    """
    prefix = f"cluster.{cluster}.upstream_rq_"
    rows = admin.stats(f"^{re.escape(f'cluster.{cluster}.')}{_CODES}$", histogram_buckets="cumulative")
    values = {row["name"].removeprefix(prefix): row["value"] for row in rows if "name" in row}
    within, timed = _histogram([one for row in rows for one in row.get("histograms", [])])
    requests, refused, errors = (int(values.get(key, 0)) for key in ("completed", "4xx", "5xx"))
    return Answered(requests, refused, errors, within, timed)


def _histogram(found: list[dict[str, Any]]) -> tuple[dict[float, int], int]:
    rows = found[0]["buckets"] if found else []
    within = {float(row["upper_bound"]): int(row["cumulative"]) for row in rows}
    return within, max(within.values(), default=0)
