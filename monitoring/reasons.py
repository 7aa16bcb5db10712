"""Why a column alarms, in words that somebody who has never heard of a stability index can act on."""

import numpy as np
import pandas as pd

from monitoring.result import Score
from monitoring.scores import Profile

Scores = dict[str, Score]


def numbers(name: str, scores: Scores, seen: Profile, seen_now: Profile, missing_now: float) -> tuple[str, ...]:
    """Sentences for a column of numbers, none for a quiet one.

    Args:
        name: Its name.
        scores: Its scores beside their limits.
        seen: Profile of the reference.
        seen_now: Profile of the current rows.
        missing_now: Share of the current rows without a value.
    """
    said = _missing(name, scores["missing"], missing_now)
    if "psi" in scores and _moved(scores):
        moved, ranks = scores["wasserstein"], scores["rank_shift"]
        means = _mean(seen), _mean(seen_now)
        way = "up" if means[1] > means[0] else "down"
        told = moved if moved.ratio > 1 else ranks
        unit = "sigma" if moved.ratio > 1 else "sigma of its ranks"
        said.append(
            f"{name} moved {way} by {told.value:.2f} {unit} (mean {means[0]:.4g} before, {means[1]:.4g} now); "
            f"quiet weeks move by {told.usual:.2f} and stay below {told.limit:.2f}"
        )
    return tuple(said)


def _moved(scores: Scores) -> bool:
    return scores["wasserstein"].ratio > 1 or min(scores["psi"].ratio, scores["rank_shift"].ratio) > 1


def _mean(side: Profile) -> float:
    return float(np.average(side.values, weights=side.rows))


def categories(
    name: str, scores: Scores, table: pd.DataFrame, unknown: list[str], missing_now: float
) -> tuple[str, ...]:
    """Sentences for a column of categories, none for a quiet one.

    Args:
        name: Its name.
        scores: Its scores beside their limits.
        table: Rows per known category, columns "reference" and "current".
        unknown: Categories of the current rows that the reference never had.
        missing_now: Share of the current rows without a value.
    """
    said = _missing(name, scores["missing"], missing_now)
    if "unseen" in scores and scores["unseen"].ratio > 1:
        named = ", ".join(unknown[:3]) + (" and others" if len(unknown) > 3 else "")
        said.append(f"{name} has {scores['unseen'].value:.1%} of its rows in categories never seen before: {named}")
    if "psi" in scores and scores["psi"].ratio > 1:
        said.append(_mix(name, scores["psi"], table))
    return tuple(said)


def _mix(name: str, score: Score, table: pd.DataFrame) -> str:
    shares = table / table.sum().clip(lower=1)
    most = (shares["current"] - shares["reference"]).abs().idxmax()
    return (
        f"the mix of {name} changed: {most} went from {shares.at[most, 'reference']:.1%} to "
        f"{shares.at[most, 'current']:.1%} of rows (stability index {score.value:.2f}; quiet weeks have "
        f"{score.usual:.2f} and stay below {score.limit:.2f})"
    )


def _missing(name: str, score: Score, missing_now: float) -> list[str]:
    if score.ratio <= 1:
        return []
    if missing_now >= 1:
        return [f"{name} has no values at all"]
    return [f"{name} lacks {missing_now:.1%} of its values; the share may change by {score.limit:.1%}"]


def rows(score: Score | None, n_current: int, days: float) -> str:
    """A sentence about too few or too many rows, empty where the number is usual.

    Args:
        score: Logarithm of the ratio beside its limit, None where no number is to be expected.
        n_current: Rows that came.
        days: Length of the period.
    """
    if n_current == 0:
        return "no rows came at all"
    if score is None or abs(score.ratio) <= 1:
        return ""
    few = "only " if score.value < 0 else ""
    return f"{few}{n_current:,} rows came in {days:g} days, where about {score.usual:,.0f} are usual"
