import numpy as np
import pandas as pd
import pytest

from models.errors import BadData, CorruptArtifact
from models.recommendation.data import RecommenderData
from models.recommendation.family import FAMILY as family
from tests.models.recommendation.conftest import frame, market


@pytest.fixture(scope="module")
def model():
    return family.fit(RecommenderData(market()), family.default_recipe("collaborative"))


def ids(found):
    return [r.product_id for r in found]


def test_an_unknown_user_gets_what_is_popular(model):
    found = model.recommend("nobody", 3)
    assert found[0].product_id == "i000"
    assert {r.reason for r in found} == {"popular with everyone"}


def test_a_user_with_one_purchase_is_answered():
    rows = pd.concat([market(), frame([("one", "i001", 5)])])
    found = family.fit(RecommenderData(rows), family.default_recipe("collaborative")).recommend("one", 5)
    assert len(found) == 5 and "i001" not in ids(found)
    assert all(np.isfinite(r.score) for r in found)


def test_an_unknown_item_in_the_exclusions_is_ignored(model):
    assert model.recommend("u001", 5, exclude=["never heard of"]) == model.recommend("u001", 5)


@pytest.mark.parametrize("mode", ["discover", "again"])
def test_with_all_items_excluded_the_answer_is_an_empty_list(model, mode):
    everything = list(model.items.item_id)
    assert model.recommend("u001", 5, exclude=everything, mode=mode) == []
    assert model.recommend("nobody", 5, exclude=everything, mode=mode) == []


def test_a_catalogue_smaller_than_asked_gives_what_there_is(model):
    owned = len(model.history[[model.user_position["u001"]]].indices)
    assert len(model.recommend("u001", 100)) == len(model.items) - owned


def test_duplicated_events_change_no_ranking_of_the_crowd():
    once = market()
    recipe = family.default_recipe("popularity")
    first, second = (family.fit(RecommenderData(f), recipe) for f in (once, pd.concat([once, once])))
    assert first.recommend("u001", 20) == second.recommend("u001", 20)


def test_one_user_only_is_answered_from_an_empty_rest():
    model = family.fit(RecommenderData(frame([("a", f"i{n}", n) for n in range(9)])), family.default_recipe("hybrid"))
    assert model.recommend("a", 5) == []
    assert len(model.recommend("b", 5)) == 5


def test_a_user_with_50_000_events_is_one_user_among_others():
    rng = np.random.default_rng(0)
    heavy = pd.DataFrame(
        {
            "user_id": "robot",
            "item_id": [f"i{n:03d}" for n in rng.integers(0, 30, 50_000)],
            "timestamp": np.arange(50_000),
        }
    )
    model = family.fit(RecommenderData(pd.concat([market(), heavy])), family.default_recipe("collaborative"))
    assert not set(ids(model.recommend("robot", 20))) & {f"i{n:03d}" for n in range(30)}
    assert len(model.recommend("u001", 5)) == 5


def test_a_limit_per_category_holds(data):
    model = family.fit(data, family.default_recipe("collaborative"))
    found = ids(model.recommend("u002", 6, max_per_category=2))
    even = [item for item in found if int(item[1:]) % 2 == 0]
    assert len(even) == 2


def test_nothing_to_learn_from_is_said():
    with pytest.raises(BadData, match="nothing to learn"):
        family.fit(
            RecommenderData(pd.DataFrame({"user_id": [], "item_id": [], "timestamp": []})), family.default_recipe()
        )
    with pytest.raises(BadData, match="column timestamp is missing"):
        family.fit(RecommenderData(pd.DataFrame({"user_id": ["a"], "item_id": ["b"]})), family.default_recipe())


def test_an_unknown_hyperparameter_is_named_beside_the_known_ones():
    with pytest.raises(BadData, match=r"collaborative has no hyperparameter 'n_factors'; it has reg, .*, seed"):
        family.default_recipe("collaborative", n_factors=3)
    with pytest.raises(BadData, match="popularity has no hyperparameter 'reg'; it has none"):
        family.default_recipe("popularity", reg=3)


def test_a_damaged_artifact_is_refused(model, tmp_path):
    model.save(tmp_path)
    (tmp_path / "arrays.npz").write_bytes(b"nonsense")
    with pytest.raises(CorruptArtifact):
        family.load(tmp_path)
