import resource

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from models.recommendation.data import RecommenderData
from models.recommendation.ease import UserSide
from models.recommendation.events import encode
from models.recommendation.family import FAMILY as family
from models.recommendation.hybrid import HybridConfig
from models.recommendation.item_side import ItemSide, item_links
from tests.models.recommendation.conftest import frame, market


def dense_ease(x, reg):
    p = np.linalg.inv(x.T @ x + reg * np.eye(x.shape[1]))
    b = -p / np.diag(p)
    np.fill_diagonal(b, 0)
    return x @ b


@pytest.fixture
def history():
    rng = np.random.default_rng(3)
    return sp.csr_matrix((rng.random((15, 25)) < 0.3).astype(np.float32))


def test_the_unseen_is_unobserved_not_average(history):
    """Guards P12. A wide market fits in little memory, and absent pairs stay absent from the histories."""
    rng = np.random.default_rng(0)
    n = 60_000
    rows = pd.DataFrame(
        {
            "user_id": rng.integers(0, 30_000, n).astype(str),
            "item_id": rng.integers(0, 40_000, n).astype(str),
            "timestamp": np.arange(n),
        }
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    recipe = family.default_recipe("collaborative", reg=10.0, profile={"one": 1.0}, trends={}, largest_side=500)
    model = family.fit(RecommenderData(rows), recipe)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert model.history.nnz <= n
    assert grown_mb < 1500  # the dense matrix alone would be 4,800 MB


def test_nothing_is_shrunk_by_what_was_never_rated(data):
    """Guards P13. Adding items nobody touched leaves every score as it was: no bias is taken over unobserved cells."""
    settled = {"reg": 20.0, "profile": {"rating": 1.0, "one": 1.0}, "trends": {}, "taste": 0.0, "content_reg": 1.0}
    recipe = family.default_recipe("hybrid", **settled, largest_side=50)  # over items, however many there are
    rated = data.interactions.assign(rating=np.where(np.arange(len(data.interactions)) % 3 == 0, 2.0, 5.0))
    more = pd.concat([data.items, pd.DataFrame({"item_id": [f"z{n}" for n in range(500)]})])
    few, many = (family.fit(RecommenderData(rated, items), recipe) for items in (data.items, more))
    warm = [f"i{n:03d}" for n in range(40)]
    a = few.score_users(["u001"])[0][[few.item_position[i] for i in warm]]
    b = many.score_users(["u001"])[0][[many.item_position[i] for i in warm]]
    np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 2), (1, 9), (9, 1)])
def test_tiny_matrices_have_no_rank_to_fail_on(shape):
    """Guards P14. No decomposition asks for more components than the smallest market has."""
    rows = [(f"u{u}", f"i{i}", u + i) for u in range(shape[0]) for i in range(shape[1])]
    for algorithm in family.algorithms:
        recipe = family.default_recipe(algorithm)
        if algorithm == "collaborative":
            recipe = family.default_recipe(algorithm, reg=1.0, profile={"one": 1.0}, trends={"inf": 0.1}, personal=True)
        assert family.fit(RecommenderData(frame(rows)), recipe).recommend("stranger", 3)


def test_ids_are_texts_and_travel_with_the_model(tmp_path):
    """Guards P15. Users and items are found by id after loading, and strangers have a defined answer."""
    rows = market().replace({"u001": "zoë-42", "i001": "0001"})
    model = family.fit(RecommenderData(rows), family.default_recipe("collaborative"))
    model.save(tmp_path)
    loaded = family.load(tmp_path)
    assert loaded.recommend("zoë-42", 5) == model.recommend("zoë-42", 5)
    assert "0001" in set(loaded.items.item_id)
    assert loaded.recommend("42", 3) == loaded.recommend("nobody", 3)


def test_owned_and_excluded_items_never_come_back(data):
    """Guards P16. History and the caller's ids are left out together, in every algorithm."""
    for algorithm in family.algorithms:
        model = family.fit(data, family.default_recipe(algorithm))
        owned = set(data.interactions.item_id[data.interactions.user_id == "u001"])
        first = model.recommend("u001", 3)
        shown = {r.product_id for r in model.recommend("u001", 100, exclude=[r.product_id for r in first])}
        assert shown and not shown & (owned | {r.product_id for r in first})


def test_no_field_of_an_answer_pretends_to_be_a_probability(data):
    """Guards P17. An answer orders by score and has no confidence."""
    model = family.fit(data, family.default_recipe("hybrid"))
    found = model.answer({"user_id": "u001"})["recommendations"]
    assert all(r.keys() == {"product_id", "score", "reason"} for r in found)
    scores = [r["score"] for r in found]
    assert scores == sorted(scores, reverse=True)


def test_content_brings_items_the_collaborative_side_cannot(data):
    """Guards P18. Items without a single buyer are candidates of the hybrid, exclusions reach them too."""
    model = family.fit(data, family.default_recipe("hybrid"))
    new = {"i040", "i041", "i042", "i043"}
    assert new & {r.product_id for r in model.recommend("u001", 100)}
    assert not new & {r.product_id for r in model.recommend("u001", 100, exclude=sorted(new))}


def test_the_hybrid_keeps_the_warm_order_of_the_collaborative_side(data):
    """Guards P18. Where an item has buyers, adding content loses nothing."""
    found = family.evaluate(data, [family.default_recipe("hybrid"), family.default_recipe("collaborative")])
    assert found[0].metrics == pytest.approx(found[1].metrics)


def test_the_user_side_gives_the_scores_of_the_item_side(history):
    """Both ways of computing the model agree with the textbook's dense formula."""
    textbook = dense_ease(history.toarray().astype(float), 5.0)
    unseen = history.toarray() == 0
    users = np.arange(history.shape[0])
    by_user = UserSide.fit(history, history, 5.0).scores(users)
    by_item = ItemSide.fit(history, history, 5.0, np.arange(history.shape[1]), 25).scores(users)
    np.testing.assert_allclose(by_user[unseen], textbook[unseen], atol=1e-5)
    np.testing.assert_allclose(by_item, textbook, atol=1e-5)


def test_the_tail_is_the_ridge_regression_on_the_head(history):
    head = np.arange(20)
    x = history.toarray().astype(float)
    ridge = np.linalg.solve(x[:, head].T @ x[:, head] + 5 * np.eye(20), x[:, head].T @ x[:, 20:])
    links = item_links(history, 5.0, head, 20).toarray()
    np.testing.assert_allclose(links[:20, 20:], ridge, atol=1e-5)
    assert not links[20:].any()


def test_who_has_only_rare_things_is_still_heard_and_travels_with_the_model(tmp_path):
    """Where neither side fits into memory, what a user has of the tail speaks through the factors."""
    rows = market(400, 120)
    rare = rows.item_id.str[1:].astype(int) >= 100
    rows = rows[~rare | (np.arange(len(rows)) % 3 == 0)]
    tail = frame([(f"u{900 + n}", f"i{item:03d}", 100) for n in range(2) for item in range(100 + n, 120, 2)])
    settled = {"reg": 10.0, "profile": {"one": 1.0}, "trends": {}, "personal": True}
    recipe = family.default_recipe("collaborative", **settled, largest_side=40, validation_items=40)
    model = family.fit(RecommenderData(pd.concat([rows, tail], ignore_index=True)), recipe)
    assert not hasattr(model.ranker.linear, "taste")  # over items
    head = set(np.flatnonzero(np.diff(model.ranker.linear.links.indptr)))
    assert not head & set(model.history[[model.user_position["u900"]]].indices)  # of the head u900 has nothing
    even, odd = model.score_users(["u900", "u901"])
    kinds = np.array([int(item[1:]) % 2 for item in model.items["item_id"]])
    unseen = np.arange(len(kinds)) < 100
    assert even[unseen & (kinds == 0)].mean() > even[unseen & (kinds == 1)].mean()
    assert odd[unseen & (kinds == 1)].mean() > odd[unseen & (kinds == 0)].mean()
    model.save(tmp_path)
    np.testing.assert_allclose(family.load(tmp_path).score_users(["u900"])[0], even, rtol=1e-5)


def test_hints_weigh_less_than_purchases():
    rows = frame([("a", "i", 1), ("a", "j", 2)]).assign(event_type=["purchase", "view"])
    from models.recommendation.events import pairs_with_hints
    from models.recommendation.profile import taste

    assert taste(pairs_with_hints(encode(RecommenderData(rows)))).toarray().tolist() == [[1.0, np.float32(0.1)]]


def test_configs_are_frozen_and_closed():
    with pytest.raises(ValueError, match="extra"):
        HybridConfig(learning=1)


def test_what_was_taken_out_of_the_cart_counts_for_nothing():
    from models.recommendation.events import pairs_with_hints
    from models.recommendation.profile import taste

    done = [("a", "i", "purchase"), ("a", "j", "add_to_cart"), ("a", "j", "remove_from_cart"), ("b", "i", "purchase")]
    rows = frame([(user, item, n) for n, (user, item, _) in enumerate(done)]).assign(event_type=[do for *_, do in done])
    pairs = pairs_with_hints(encode(RecommenderData(rows)))
    assert len(pairs) == 2
    assert taste(pairs).toarray().tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_a_rating_given_after_the_purchase_is_the_rating_of_the_pair():
    from models.recommendation.events import pairs_with_hints

    done = [("a", "i", "purchase", np.nan), ("a", "i", "rating", 5.0), ("a", "i", "view", np.nan)]
    done += [("a", "j", "purchase", 1.0), ("b", "i", "purchase", np.nan)]
    rows = frame([(user, item, n) for n, (user, item, *_) in enumerate(done)])
    rows = rows.assign(event_type=[do for *_, do, _ in done], rating=[given for *_, given in done])
    pairs = pairs_with_hints(encode(RecommenderData(rows)))
    assert pairs.rating.tolist() == [1.0, -1.0, 0.0]  # mean 3, deviation 2; b rated nothing
    assert pairs.positive.all()
