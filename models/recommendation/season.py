"""What is bought more now than otherwise, and whether it is so every year."""

import numpy as np

from models.recommendation.events import Events, positives
from models.recommendation.splits import DAY_MS

WINDOW_DAYS = 28
YEAR_DAYS = 365.25
LEAST_RATIO = 1.5
LEAST_DEVIATIONS = 3.0
MONTHS = 12


def more_than_usual(events: Events, days: int = WINDOW_DAYS) -> np.ndarray:
    """Mask of the items whose share of purchases in the last `days` is surely above what it is otherwise."""
    bought = positives(events)
    return _stands_out(bought, bought.time > _end(bought) - days * DAY_MS)


def in_season(events: Events, days: int = WINDOW_DAYS) -> np.ndarray:
    """Mask of the items that stood out at this time of the year in former years, too.

    Nothing is in season where the events span less than two years.
    """
    bought = positives(events)
    age_days = (_end(bought) - bought.time) / DAY_MS
    if not len(bought) or age_days.max() < 2 * YEAR_DAYS:
        return np.zeros(events.shape[1], bool)
    former = bought.take(age_days >= YEAR_DAYS / 2)
    into_year = age_days[age_days >= YEAR_DAYS / 2] % YEAR_DAYS
    return more_than_usual(events, days) & _stands_out(former, into_year < days)


def selling_months(events: Events) -> list[list[int]]:
    """The months (1 to 12) in which each item's share of purchases stands out, one list an item."""
    bought = positives(events)
    month = bought.time.astype("datetime64[ms]").astype("datetime64[M]").astype(int) % MONTHS
    found: list[list[int]] = [[] for _ in range(events.shape[1])]
    for number in np.unique(month):
        for item in np.flatnonzero(_stands_out(bought, month == number)):
            found[item].append(int(number) + 1)
    return found


def _end(bought: Events) -> int:
    return int(bought.time.max(initial=0))


def _stands_out(bought: Events, inside: np.ndarray) -> np.ndarray:
    """Items with more rows inside a window than the window's share of all rows lets expect.

    That is half as many again, and three standard deviations of the binomial distribution.
    """
    n = np.bincount(bought.item, minlength=bought.shape[1])
    share = float(inside.mean()) if len(bought) else 0.0
    seen = np.bincount(bought.item[inside], minlength=bought.shape[1])
    spread = np.sqrt(n * share * (1 - share))
    return (seen >= LEAST_RATIO * n * share) & (seen - n * share >= LEAST_DEVIATIONS * spread) & (seen > 0)
