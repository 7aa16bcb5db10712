"""The outcome of a drift check: scores beside their limits, and what they mean in words."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MEASURES = ("wasserstein", "psi", "rank_shift", "missing", "unseen")


@dataclass(frozen=True)
class Score:
    """One effect size, what it may be in a quiet week, and what it usually is there."""

    value: float
    limit: float
    usual: float

    @property
    def ratio(self) -> float:
        """Score in units of its limit; above 1 is beyond it."""
        return self.value / self.limit


@dataclass(frozen=True)
class Histogram:
    """Shares of rows per cell on both sides, for pictures; each list of the same length."""

    labels: list[str]
    reference: list[float]
    current: list[float]


@dataclass(frozen=True)
class ColumnDrift:
    """What the check found in one column."""

    column: str
    kind: Literal["number", "category"]
    scores: dict[str, Score]
    histogram: Histogram
    reasons: tuple[str, ...]

    @property
    def pressure(self) -> float:
        """How near the column is to an alarm: 1 is the limit, whichever rule comes nearest.

        The stability index counts only as far as the ranks moved too: a shop closed on a holiday empties a cell, to
        which the index answers without bound though little has moved.
        """
        ratio = {name: score.ratio for name, score in self.scores.items()}
        shape = min(ratio.get("psi", 0.0), ratio.get("rank_shift", float("inf")))
        return max([shape, *(ratio.get(name, 0.0) for name in ("wasserstein", "missing", "unseen"))])

    @property
    def alarm(self) -> bool:
        """Whether the column is beyond its limit."""
        return self.pressure > 1.0


@dataclass(frozen=True)
class DriftResult:
    """What the check found in a week."""

    columns: tuple[ColumnDrift, ...]
    rows: Score | None
    rows_reason: str
    n_reference: int
    n_current: int
    n_weeks: int
    false_alarms_per_week: float
    seconds: float = field(compare=False)

    @property
    def alarm(self) -> bool:
        """Whether anything is beyond its limit."""
        return bool(self.rows_reason) or any(column.alarm for column in self.columns)

    @property
    def alarms(self) -> list[str]:
        """Names of the columns beyond their limit, in the order given."""
        return [column.column for column in self.columns if column.alarm]

    @property
    def verdict(self) -> Literal["alarm", "quiet"]:
        """The check in one word."""
        return "alarm" if self.alarm else "quiet"

    @property
    def reasons(self) -> list[str]:
        """Why there is an alarm, one sentence each; empty for a quiet week."""
        return ([self.rows_reason] if self.rows_reason else []) + [r for c in self.columns for r in c.reasons]

    @property
    def headline(self) -> str:
        """The check in one sentence."""
        if not self.alarm:
            return f"Quiet week: none of {len(self.columns)} columns moved more than weeks do."
        what = self.alarms + (["the number of rows"] if self.rows_reason else [])
        return f"Drift in {', '.join(what)}."

    def to_json(self) -> dict[str, Any]:
        """Everything a log, a table or `summary.json` needs, as plain values."""
        return {
            "verdict": self.verdict,
            "headline": self.headline,
            "alarms": self.alarms,
            "reasons": self.reasons,
            "columns": [_column_json(column) for column in self.columns],
            "rows": {"reference": self.n_reference, "current": self.n_current}
            | ({"ratio": asdict(self.rows)} if self.rows else {}),
            "reference_weeks": self.n_weeks,
            "false_alarms_per_week": self.false_alarms_per_week,
            "seconds": round(self.seconds, 3),
        }


def _column_json(column: ColumnDrift) -> dict[str, Any]:
    return {
        "column": column.column,
        "kind": column.kind,
        "alarm": column.alarm,
        "pressure": round(column.pressure, 4),
        "scores": {name: asdict(score) for name, score in column.scores.items()},
    }
