"""What every family says of its search: ranges of its own hyperparameters, and data without their test part."""

import numpy as np
import pandas as pd
import pytest

from models.disease.leaves import LeafData, split_of
from models.families import family, models
from models.recommendation import splits
from models.recommendation.data import RecommenderData
from models.recommendation.events import encode, last_of_each_pair, positives
from models.search import Choice, FloatRange, IntRange, flat, narrowed, nested

SPACES = [
    (model, algorithm.name) for model in models() for algorithm in family(model).algorithms.values() if algorithm.search
]
SHARE = FloatRange(0.01, 10.0, log=True, none_below=0.1)


@pytest.mark.parametrize(("model", "algorithm"), SPACES)
def test_every_end_of_every_range_is_a_recipe_that_the_family_takes(model, algorithm):
    space = family(model).algorithms[algorithm].search
    ends = {name: _ends(span) for name, span in space.items()}
    for at in (0, -1):
        params = nested(space, {name: values[at] for name, values in ends.items()})
        recipe = family(model).default_recipe(algorithm, **params)
        assert params.items() <= recipe.params.items()


@pytest.mark.parametrize(("model", "algorithm"), SPACES)
def test_a_default_lies_in_its_range(model, algorithm):
    defaults = family(model).algorithms[algorithm].config().model_dump()
    space = narrowed(family(model).algorithms[algorithm].search, defaults)
    assert flat(space, defaults) == {name: defaults[name] for name in space}


def _ends(span):
    return span.options if isinstance(span, Choice) else (span.low, span.high)


def test_shares_of_a_mapping_are_found_and_put_back_by_their_place():
    space = {"profile.one": SHARE, "profile.rel2": SHARE, "reg": FloatRange(1, 100), "n": IntRange(1, 9)}
    params = {"profile": {"one": 2.0}, "reg": 5.0, "n": 3, "seed": 1}
    assert flat(space, params) == {"profile.one": 2.0, "profile.rel2": 0.01, "reg": 5.0, "n": 3}
    assert nested(space, flat(space, params)) == {"profile": {"one": 2.0}, "reg": 5.0, "n": 3}


def test_a_value_out_of_range_becomes_the_nearest_in_it():
    assert FloatRange(1, 9).nearest(11) == 9.0
    assert IntRange(1, 9).nearest(0) == 1
    assert Choice((True,)).nearest(False) is True


def purchases(n_users=12, seed=5):
    """Repeats, ties in time, views and a row of nothing, so that every rule of the protocol has work to do."""
    rng = np.random.default_rng(seed)
    n = n_users * 20
    return pd.DataFrame(
        {
            "user_id": [*(f"u{u}" for u in rng.integers(0, n_users, n)), None],
            "item_id": [*(f"i{i}" for i in rng.integers(0, 30, n)), "i1"],
            "timestamp": [*(rng.integers(1, 40, n) * 86_400.0), 86_400.0],
            "event_type": [*rng.choice(["purchase", "view"], n, p=[0.7, 0.3]), "purchase"],
        }
    )


def test_the_recommenders_training_part_is_what_its_protocol_trains_on():
    data = RecommenderData(purchases())
    train = splits.make(encode(data)).train
    part = encode(family("recommender").training_part(data))
    views = part.take(~part.positive)
    assert _rows(train) == sorted(_rows(last_of_each_pair(positives(part))) + _rows(views))


def _rows(events):
    return sorted(zip(events.users[events.user], events.items[events.item], events.time.tolist(), strict=True))


def test_the_forecasters_training_part_ends_where_its_first_origin_lies():
    days = pd.date_range("2025-01-01", periods=200)
    long = pd.DataFrame({"series_id": "long", "ds": days, "y": np.arange(200.0)})
    short = pd.DataFrame({"series_id": "short", "ds": days[:10], "y": np.ones(10)})
    part = family("demand-forecaster").training_part(pd.concat([long, short], ignore_index=True))
    assert part.groupby("series_id")["ds"].max().to_dict() == {"long": days[200 - 5 * 14 - 1], "short": days[9]}


def test_the_leaves_training_part_holds_out_other_images_and_none_that_test():
    ids = [f"{n:064x}" for n in range(400)]
    frame = pd.DataFrame({"image_id": ids, "label": ["corn__rust", "corn__healthy"] * 200, "path": ids})
    part = family("leaf-disease").training_part(LeafData(frame))
    tested = {one for one in ids if split_of(one) == "held_out"}
    assert set(part.image_ids) == set(ids) - tested
    assert 0.1 < (part.frame["split"] == "held_out").mean() < 0.3
