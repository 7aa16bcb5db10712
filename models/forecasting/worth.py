"""What a forecaster's mean error does not say: whether its intervals hold, and when it went badly."""

from models.evaluation import Checks, Evaluation

USELESS_COVERAGE, POOR_COVERAGE = 0.75, 0.88
"""A 95 % interval that holds fewer of the observed values than this fails, or is warned of."""
POOR_STEP = 0.85
"""The same for each step ahead, of which there are fewer values."""
MOST_TOO_SHORT = 0.5
"""A larger share of series that are too short to be scored is warned of."""


def checks(evaluation: Evaluation) -> Checks:
    """Coverage of the 95 % interval as a whole and by step, and the share of series that could be scored."""
    covered = evaluation.metrics["coverage@95"]
    told = f"its 95 % interval holds {covered:.0%} of the values"
    failures = (f"{told}: it promises what it does not keep",) if covered < USELESS_COVERAGE else ()
    warnings = (told,) if USELESS_COVERAGE <= covered < POOR_COVERAGE else ()
    return Checks(failures, (*warnings, *_steps(evaluation), *_short(evaluation)))


def _steps(evaluation: Evaluation) -> list[str]:
    shares = evaluation.notes.get("coverage_by_step", {})
    poor = {step: share for step, share in shares.items() if share < POOR_STEP}
    if not poor:
        return []
    worst = min(poor, key=lambda step: poor[step])
    return [f"its 95 % interval is too narrow at {len(poor)} of {len(shares)} steps ahead; worst: step {worst}, "
            f"{poor[worst]:.0%}"]  # fmt: skip


def _short(evaluation: Evaluation) -> list[str]:
    series = evaluation.notes.get("series", {})
    short, scored = series.get("too_short", 0), series.get("scored", 0)
    if not short > MOST_TOO_SHORT * (short + scored):
        return []
    return [f"{short} of {short + scored} series are too short to be scored: nothing is known of how it does on them"]
