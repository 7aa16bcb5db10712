"""The gate on real families: what falls back passes and says so, what is naive does not."""

import numpy as np
import pandas as pd
import pytest

from models.families import family
from models.recommendation.data import RecommenderData
from registry.gate import decide


def judged(name, data, algorithm):
    found = family(name)
    (evaluation,) = found.evaluate(data, [found.default_recipe(algorithm)])
    return decide(evaluation, None, 0.01, checks=found.checks(evaluation))


@pytest.fixture(scope="module")
def tasteless():
    """Eighty buyers who all draw from the same popularity: nothing personal can be learned."""
    rng, share = np.random.default_rng(1), 1 / np.arange(1, 41)
    bought = [rng.choice(40, 12, replace=False, p=share / share.sum()) for _ in range(80)]
    rows = [(f"u{u}", f"i{i:02d}", 86_400 * (day + 1) + u) for u, own in enumerate(bought) for day, i in enumerate(own)]
    return RecommenderData(pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]))


def test_where_popularity_is_best_the_recommender_that_falls_back_to_it_passes_with_a_warning(tasteless):
    decision = judged("recommender", tasteless, "hybrid")
    assert decision.outcome == "passed"
    assert "as good as popularity, to which it falls back" in decision.warnings[0]


def test_popularity_does_not_pass_against_itself(tasteless):
    assert judged("recommender", tasteless, "popularity").outcome == "failed"


@pytest.mark.parametrize("algorithm", ["naive", "seasonal_naive"])
def test_no_naive_forecaster_passes_whichever_of_them_is_the_stronger(algorithm):
    """Plain `naive` used to pass where it beat the seasonal one: a walk has no season."""
    rng, days = np.random.default_rng(0), pd.date_range("2024-01-01", periods=120)
    walks = [
        pd.DataFrame({"series_id": f"s{n}", "ds": days, "y": 100 + rng.normal(size=120).cumsum()}) for n in range(21)
    ]
    decision = judged("demand-forecaster", pd.concat(walks), algorithm)
    assert decision.outcome == "failed"
    assert "naive, the strongest of 2 naive baselines" in decision.reasons[0]
