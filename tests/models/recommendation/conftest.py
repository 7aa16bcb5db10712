import numpy as np
import pandas as pd
import pytest

from models.recommendation.data import RecommenderData

DAY_S = 86_400


def frame(rows):
    """Interactions from (user, item, day) rows."""
    users, items, days = zip(*rows, strict=True)
    return pd.DataFrame({"user_id": users, "item_id": items, "timestamp": np.array(days) * DAY_S})


def market(n_users=60, n_items=40, seed=0):
    """Two kinds of buyers: even users want even items, odd ones odd items; everybody also wants item i000."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        mine = np.arange(user % 2, n_items, 2)
        chosen = rng.choice(mine, 12, replace=False)
        rows += [
            (f"u{user:03d}", f"i{item:03d}", int(day))
            for item, day in zip(chosen, rng.integers(0, 200, 12), strict=True)
        ]
        rows.append((f"u{user:03d}", "i000", int(rng.integers(0, 200))))
    return frame(rows)


def catalogue(n_items=44):
    """What the items are called, and which of the two kinds they are of."""
    return pd.DataFrame(
        {
            "item_id": [f"i{n:03d}" for n in range(n_items)],
            "title": [f"{'even' if n % 2 == 0 else 'odd'} thing {n}" for n in range(n_items)],
            "category": ["EVEN" if n % 2 == 0 else "ODD" for n in range(n_items)],
        }
    )


@pytest.fixture
def data():
    return RecommenderData(market(), catalogue(), "market")
