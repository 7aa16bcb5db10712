import numpy as np
import pandas as pd
import pytest

from models.recommendation.catalogue_features import features
from models.recommendation.data import RecommenderData
from models.recommendation.events import encode
from tests.models.recommendation.conftest import frame


def described(kinds):
    items = pd.DataFrame({"item_id": [f"i{n}" for n in range(len(kinds))], "kind": kinds})
    events = encode(RecommenderData(frame([("u", "i0", 1)]), items), with_catalogue=True)
    return features(items, events).toarray()


def test_a_token_weighs_the_log_of_its_rarity_and_an_items_row_has_length_one():
    """Four of five items are fruit, three of them also red; what fewer than three items have says nothing."""
    found = described(["fruit|red", "fruit|red", "fruit|red", "fruit", "root"])
    fruit, red = np.log(5 / 4) + 1, np.log(5 / 3) + 1
    length = np.hypot(fruit, red)
    assert found[0] == pytest.approx(sorted([fruit / length, red / length]))
    assert sorted(found[3]) == [0, 1]
    assert not found[4].any()


def test_where_no_token_is_common_every_row_is_empty():
    assert not described(["a", "b"]).any()
