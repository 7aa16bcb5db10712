"""The gate: whether a challenger may stand for promotion, decided on figures and said in words.

What it asks for, and why, is in docs/gate.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.bootstrap import Interval
from models.evaluation import Checks, Evaluation
from registry import floor
from registry.errors import NotComparable
from registry.verdicts import Outcome, against_baseline, against_champion, falls_back, gain_text


@dataclass(frozen=True)
class Decision:
    """Whether the gate is passed, and why.

    Attributes:
        outcome: `passed`: it may carry the alias `challenger`; `failed`: it may not; `cannot tell`: the figures do not
            decide, a person may, by promoting the version by its number.
        reasons: One sentence per comparison, with figures and what to do next.
        comparisons: Gain over the strongest baseline and over `champion`, positive is better, with its interval.
        margin: Share of the champion's score by which the challenger may be worse.
        warnings: What a person should look at; it fails no gate.
    """

    outcome: Outcome
    reasons: list[str]
    comparisons: dict[str, Interval]
    margin: float = 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether it may carry the alias `challenger`."""
        return self.outcome == "passed"

    def tags(self) -> dict[str, str]:
        """What is written on the run and on the version."""
        gains = {f"gate.gain_over_{name}": gain_text(gain) for name, gain in self.comparisons.items()}
        warned = {"gate.warnings": "; ".join(self.warnings)} if self.warnings else {}
        return {
            "gate": self.outcome,
            "gate.reasons": "; ".join(self.reasons),
            "gate.margin": f"{self.margin:g}",
            **gains,
            **warned,
        }

    def to_json(self) -> dict[str, Any]:
        """The run's document `gate`."""
        told = {"passed": self.passed, "outcome": self.outcome, "reasons": self.reasons, "warnings": self.warnings}
        return self.tags() | told


def decide(
    challenger: Evaluation,
    champion: Evaluation | None,
    margin: float,
    *,
    same_recipe: bool = False,
    recorded: Mapping[str, Any] | None = None,
    checks: Checks = Checks(),  # noqa: B008 - an immutable tuple
    seed: int = 0,
) -> Decision:
    """Hold the challenger against the strongest naive baseline, the champion's recipe, its record, and the checks.

    It passes if it is better than the baseline with the whole 95 % interval above 0, if the interval of its difference
    to the champion's recipe lies above minus `margin` times that recipe's score, if its own score did not fall below
    what the champion scored when it was registered, and if no check of its family fails. The intervals contain the
    luck of refitting where it was measured. With too few independent units it cannot be told.

    Args:
        challenger: The evaluation of the version to be.
        champion: The champion's recipe refitted on the same train split; None where nothing serves yet.
        margin: Share of the champion's mean score by which the challenger may be worse, 0 or more.
        same_recipe: Champion and challenger have the same recipe: compared, they tie by construction.
        recorded: The champion's evaluation as it was logged when it was registered.
        checks: What the family found.
        seed: Seed of the bootstrap.

    Raises:
        NotComparable: The champion was scored on other units or by another metric, or no baseline was scored.
        ValueError: The margin is negative or not finite.
    """
    if not 0 <= margin < float("inf"):
        raise ValueError(f"the margin is a share of 0 or more, not {margin}")
    baseline = challenger.strongest
    if baseline is None:
        raise NotComparable(f"{challenger.algorithm} was compared with no baseline; the same run has to score one")
    verdicts = {baseline: against_baseline(challenger, baseline, seed)}
    warnings = _fallback_warnings(challenger, baseline)
    if champion is not None:
        verdicts["champion"] = against_champion(challenger, champion, margin, same_recipe, seed)
    failures, moved = floor.check(challenger, recorded, margin) if recorded else ([], [])
    failures = [*failures, *checks.failures]
    alone = ["there is no champion yet"] if champion is None else []
    return Decision(
        _worst([verdict.outcome for verdict in verdicts.values()], failures),
        [*(verdict.reason for verdict in verdicts.values()), *alone, *failures],
        {name: verdict.gain for name, verdict in verdicts.items()},
        margin,
        [*warnings, *moved, *checks.warnings],
    )


def _worst(outcomes: list[Outcome], failures: list[str]) -> Outcome:
    if failures or "failed" in outcomes:
        return "failed"
    return "cannot tell" if "cannot tell" in outcomes else "passed"


def _fallback_warnings(evaluation: Evaluation, baseline: str) -> list[str]:
    if not falls_back(evaluation, baseline):
        return []
    return [f"as good as {baseline}, to which it falls back: these histories say little; train again with more"]
