"""Why an item is shown, in a few words that are true of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from models.recommendation.again import Again
from models.recommendation.events import Events, positives
from models.recommendation.season import WINDOW_DAYS, in_season, more_than_usual
from models.recommendation.splits import DAY_MS

TELLING = 0.75
"""How much a companion's own popularity speaks against naming it: 0.5 is cosine, 1 is the share of its buyers."""
TOLD = 40
"""Items of a history that may be named in a reason."""
CROWD = "popular with everyone"


@dataclass(frozen=True)
class Reasons:
    """Reasons for items of a table with title, category, seller, moment and new; one row an item."""

    items: pd.DataFrame
    history: sp.csr_matrix
    popular: np.ndarray
    again: Again

    def of_crowd(self, items: np.ndarray) -> list[str]:
        """Why somebody of whom nothing is known is shown these items."""
        return [self._moment[item] or CROWD for item in items]

    def of_habit(self, user: int, items: np.ndarray) -> list[str]:
        """Why a user may buy these items again."""
        return [self._habit(user, item) for item in items]

    def of_taste(self, user: int, items: np.ndarray) -> list[str]:
        """Why a user may want these items, which are new to them."""
        mine = self.history[[user]].indices
        known = set(self._seller[mine]) - {""}
        return [
            self._news(item, known) or self._moment[item] or companion or CROWD
            for item, companion in zip(items, self._companions(user, mine, items), strict=True)
        ]

    def _habit(self, user: int, item: int) -> str:
        if self.again.habit[user, item] <= 0:
            return CROWD
        days = self.again.interval_days[user, item]
        return f"you buy this about every {max(round(float(days)), 1)} days" if days > 0 else "you bought this before"

    def _news(self, item: int, known: set[Any]) -> str:
        if self._new[item] and self._seller[item] in known:
            return "new from a seller you buy from"
        if self.popular[item] > 0:
            return ""
        kind = str(self.items["category"].iat[item])
        return f"new in {kind}" if kind else "new here"

    def _companions(self, user: int, mine: np.ndarray, items: np.ndarray) -> list[str]:
        """Of the user's things, the one most often found with each item (by their common buyers)."""
        habit = self.again.habit[[user]].toarray()[0]
        mine = mine[np.argsort(-habit[mine], kind="stable")[:TOLD]]
        if not len(mine):
            return [""] * len(items)
        together = (self._buyers[:, mine].T @ self._buyers[:, items]).toarray()
        likeness = together / np.maximum(self.popular[mine], 1)[:, None] ** TELLING
        titles = self.items["title"]
        return [
            f"often bought with {titles.iat[mine[best]]}" if likeness[best, at] > 0 else ""
            for at, best in enumerate(likeness.argmax(axis=0))
        ]

    @cached_property
    def _buyers(self) -> sp.csc_matrix:
        return self.history.tocsc()

    @cached_property
    def _seller(self) -> np.ndarray:
        return self.items["seller"].to_numpy(dtype=object)

    @cached_property
    def _moment(self) -> np.ndarray:
        return self.items["moment"].to_numpy(dtype=object)

    @cached_property
    def _new(self) -> np.ndarray:
        return self.items["new"].to_numpy(dtype=bool)


def moments(events: Events) -> np.ndarray:
    """What the calendar says for each item, empty where it says nothing, shape (n_items,)."""
    now = np.where(more_than_usual(events), "bought more than usual these weeks", "").astype(object)
    return np.where(in_season(events), "in season", now)


def news(events: Events, days: int = WINDOW_DAYS) -> np.ndarray:
    """Mask of the items that nobody bought before the last `days`; where nothing is older, those nobody bought."""
    bought = positives(events)
    age_days = (bought.time.max(initial=0) - bought.time) / DAY_MS
    longer = bool(len(bought)) and age_days.max() >= 2 * days
    known = bought.item[age_days >= days] if longer else bought.item
    mask = np.ones(events.shape[1], bool)
    mask[known] = False
    return mask
