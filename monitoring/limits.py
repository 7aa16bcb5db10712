"""What a score may be in a quiet week: natural variation, chance in a small sample, and a floor."""

from dataclasses import dataclass

import numpy as np

from monitoring.result import Score
from monitoring.settings import DriftSettings
from monitoring.variation import Cells, chance_scores, upper_bound, weekly_scores

RARE_FACTOR = 2.0
"""Missing values and unknown categories may be this many times the worst seen in a reference week."""
CHANCE_SIGMAS = 4.0
"""Standard errors by which the missing share of a small sample may stray."""
RECENT_WEEKS = 8
"""Weeks whose median says how many rows are to be expected."""


@dataclass(frozen=True)
class Judge:
    """The rules of one check: settings, the reference's weeks, and how many limits share the false-alarm rate."""

    settings: DriftSettings
    weeks: np.ndarray
    tests: int

    @property
    def chance(self) -> float:
        """False-alarm rate of a single limit (Bonferroni)."""
        return self.settings.false_alarms_per_week / self.tests

    def scores(self, column: str, cells: Cells, current: dict[str, float], n_current: int) -> dict[str, Score]:
        """Put each effect size of the current rows of `column` beside its limit."""
        weekly = weekly_scores(cells, self.settings.first_weeks)
        by_chance = chance_scores(cells, n_current, self.settings.seed) if self._small(cells, n_current) else {}
        return {
            name: self._score(self._floors(column, name), value, weekly[name], by_chance.get(name))
            for name, value in current.items()
        }

    def _small(self, cells: Cells, n_current: int) -> bool:
        n_rows = cells.weekly.sum(axis=1)
        return len(n_rows) < self.settings.enough_weeks + self.settings.first_weeks or 2 * n_current < np.median(n_rows)

    def _score(
        self, floors: tuple[float, float], value: float, weekly: np.ndarray, by_chance: np.ndarray | None
    ) -> Score:
        known = len(weekly) >= self.settings.enough_weeks
        bounds = [floors[0 if known else 1]]
        bounds += [upper_bound(weekly, self.chance)] if known else []
        bounds += [upper_bound(by_chance, self.chance)] if by_chance is not None else []
        basis = weekly if known or by_chance is None else by_chance
        return Score(value, max(bounds), float(np.median(basis)) if len(basis) else 0.0)

    def _floors(self, column: str, measure: str) -> tuple[float, float]:
        """The floor where the weeks of the reference are known, and where they are not."""
        s = self.settings
        if measure == "psi":
            return s.smallest_psi, s.smallest_psi_without_weeks
        if column in s.calendar_columns:
            return s.smallest_calendar_shift_sigmas, s.smallest_calendar_shift_sigmas
        return s.smallest_shift_sigmas, s.smallest_shift_sigmas_without_weeks

    def missing(self, reference: np.ndarray, current: np.ndarray) -> Score:
        """Change of the share of missing values.

        Args:
            reference: Whether each reference row lacks a value, shape (n,).
            current: Whether each current row lacks one, shape (m,).
        """
        usual = float(reference.mean())
        now = float(current.mean()) if len(current) else usual
        weekly = _weekly_share(reference, self.weeks)
        seen = float(np.abs(weekly - usual).max(initial=0.0))
        stray = CHANCE_SIGMAS * float(np.sqrt(usual * (1 - usual) / max(len(current), 1)))
        limit = max(self.settings.smallest_missing_change, RARE_FACTOR * seen, stray)
        return Score(abs(now - usual), limit, float(np.median(np.abs(weekly - usual))) if len(weekly) else 0.0)

    def unseen(self, codes: np.ndarray, share: float, n_current: int) -> Score:
        """Share of rows in categories that were never seen before.

        Args:
            codes: Category of each reference row, -1 for none, shape (n,).
            share: That share among the current rows.
            n_current: Current rows; a single row of few is no news.
        """
        new = _weekly_new(codes, self.weeks)[self.settings.first_weeks :]
        one_row = 1.5 / max(n_current, 1)
        limit = max(self.settings.smallest_unseen_share, RARE_FACTOR * float(new.max(initial=0.0)), one_row)
        return Score(share, limit, float(np.median(new)) if len(new) else 0.0)


def _weekly_share(flags: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    inside = weeks >= 0
    rows = np.bincount(weeks[inside])
    return np.bincount(weeks[inside], weights=flags[inside])[rows > 0] / rows[rows > 0]


def _weekly_new(codes: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    known = (codes >= 0) & (weeks >= 0)
    if not known.any():
        return np.zeros(0)
    first = np.full(codes.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, codes[known], weeks[known])
    first[codes[(codes >= 0) & (weeks < 0)]] = -1  # seen before the first whole week
    return _weekly_share(known & (first[codes] == weeks), weeks)


def rows_score(weeks: np.ndarray, n_current: int, days: float, settings: DriftSettings) -> Score | None:
    """How many times more, or fewer, rows came than in the last weeks of the reference.

    Args:
        weeks: Week number of each reference row, -1 outside whole weeks, shape (n,).
        n_current: Rows of the current period.
        days: Its length.
        settings: Floors.

    Returns:
        A signed logarithm of the ratio as `value` with the limit of its size; None where the reference shows no weeks.
    """
    rows = np.bincount(weeks[weeks >= 0])
    if len(rows) < RARE_FACTOR:
        return None
    usual = float(np.median(rows[-RECENT_WEEKS:]))
    strays = np.abs(np.log((rows + 0.5) / (np.median(rows) + 0.5)))
    limit = max(float(np.log(settings.smallest_row_ratio)), float(np.quantile(strays, 0.9)) * RARE_FACTOR)
    return Score(float(np.log((n_current + 0.5) / (usual * days / 7.0 + 0.5))), limit, usual * days / 7.0)
