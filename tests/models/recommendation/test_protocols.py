import numpy as np
import pandas as pd
import pytest

from models.errors import BadData, HistoryTooShort
from models.recommendation import splits
from models.recommendation.data import RecommenderData
from models.recommendation.events import encode
from models.recommendation.family import FAMILY as family
from models.recommendation.metrics import judge, top
from models.recommendation.popularity import Popular, buyers, recent_buyers
from tests.models.recommendation.conftest import frame


def split_of(rows, name="user-holdout", items=None, **protocol):
    return splits.make(encode(RecommenderData(frame(rows), items)), {"name": name, **protocol})


def names(split, matrix, user):
    at = list(split.train.users).index(user)
    return list(split.train.items[matrix[[at]].indices])


def test_the_last_fifth_rounded_up_is_test():
    split = split_of([("a", f"i{n}", n) for n in range(6)])
    assert names(split, split.relevant, "a") == ["i4", "i5"]
    assert names(split, split.owned, "a") == ["i0", "i1", "i2", "i3"]


def test_users_with_fewer_than_five_rows_only_train():
    split = split_of([("a", f"i{n}", n) for n in range(5)] + [("b", f"i{n}", n) for n in range(4)])
    assert list(split.train.users[split.users]) == ["a"]


def test_equal_times_are_ordered_by_item_id_as_text():
    split = split_of([("a", item, 1) for item in ("10", "9", "2", "1", "3")])
    assert names(split, split.relevant, "a") == ["9"]


def test_of_a_repeated_pair_the_last_row_counts():
    split = split_of([("a", "i0", 0), *[("a", f"i{n}", n) for n in range(1, 5)], ("a", "i0", 9)])
    assert names(split, split.relevant, "a") == ["i0"]


def test_views_are_not_relevant():
    rows = frame([("a", f"i{n}", n) for n in range(6)]).assign(event_type=["purchase"] * 5 + ["view"])
    split = splits.make(encode(RecommenderData(rows)))
    assert names(split, split.relevant, "a") == ["i4"]


def test_a_view_after_the_first_test_purchase_is_not_learned_from():
    rows = frame([("a", f"i{n}", n) for n in range(5)] + [("a", "seen", 9)]).assign(
        event_type=["purchase"] * 5 + ["view"]
    )
    split = splits.make(encode(RecommenderData(rows)))
    assert split.train.positive.all()


def test_ndcg_and_recall_by_hand():
    rows = [("a", f"i{n}", n) for n in range(5)] + [("b", "i4", 0), ("b", "i5", 0), ("c", "i5", 0)]
    split = split_of(rows)
    judged = judge(Popular(buyers(split.train)).scores, split)  # i5 has two buyers, i4 one: i4 is second
    assert judged.ndcg == pytest.approx([1 / np.log2(3)])
    assert judged.recall == pytest.approx([1.0])
    assert judged.coverage == pytest.approx(2 / 6)


def test_a_test_item_never_seen_in_train_is_a_miss():
    split = split_of([("a", f"i{n}", n) for n in range(5)] + [("b", "x", 0)])
    assert judge(Popular(buyers(split.train)).scores, split).ndcg == pytest.approx([0.0])


def test_equal_scores_rank_by_id_and_minus_infinity_never():
    assert top(np.array([[0.0, 1.0, 1.0, -np.inf]], np.float32), 5).tolist() == [[1, 2, 0, -1, -1]]


def test_time_split_tests_what_comes_after_the_quantile():
    split = split_of([("a", f"i{n}", n) for n in range(10)], "time-split")
    assert names(split, split.relevant, "a") == ["i8", "i9"]


def test_next_basket_may_hold_what_is_owned():
    split = split_of([("a", "milk", 0), ("a", "milk", 60), ("a", "tea", 100)], "next-basket")
    assert names(split, split.relevant, "a") == ["tea"]
    assert split.owned.nnz == 0 and len(split.train) == 2


def test_cold_items_have_no_train_rows_and_are_ranked_among_themselves():
    from zlib import crc32

    rows = [(f"u{u}", f"i{n}", n) for u in range(3) for n in range(40)]
    split = split_of(rows, "cold-items")
    cold = {f"i{n}" for n in range(40) if crc32(f"i{n}".encode()) % 10 == 0}
    assert set(split.train.items[split.candidates]) == cold
    assert not cold & set(split.train.items[split.train.item])


def test_recent_popularity_looks_at_the_last_28_days():
    events = encode(RecommenderData(frame([("a", "old", 0), ("b", "old", 0), ("a", "new", 100)])))
    assert dict(zip(events.items, recent_buyers(events), strict=True)) == {"old": 0, "new": 1}


def test_an_unknown_protocol_and_short_histories_are_named():
    with pytest.raises(BadData, match="'magic' is not known"):
        split_of([("a", "i", 0)], "magic")
    with pytest.raises(HistoryTooShort, match="no user can be tested"):
        split_of([("a", "i", 0)])


def test_every_protocol_gives_an_evaluation_for_every_algorithm(data):
    for name in splits.PROTOCOLS:
        found = family.evaluate(data, [family.default_recipe(a) for a in family.algorithms], protocol={"name": name})
        assert [e.algorithm for e in found] == list(family.algorithms)
        assert all(np.isfinite(list(e.metrics.values())).all() for e in found)


def test_the_gate_sees_slices_of_light_users_and_rare_items(data):
    found = family.evaluate(data, family.default_recipe("collaborative"))[0]
    slices = {one.name: one for one in found.slices}
    assert {"overall", "light-user"} <= slices.keys()
    assert slices["overall"].score == pytest.approx(found.metrics["ndcg@10"])
    theirs = {name: pytest.approx(scores["ndcg@10"]) for name, scores in found.baselines.items()}
    assert slices["overall"].baselines == theirs


def test_tastes_of_two_kinds_of_buyers_are_told_apart(data):
    found = family.evaluate(data, family.default_recipe("collaborative"))[0]
    assert found.protocol["chosen"]["personal"]
    assert found.gain_over("popularity").low > 0


def test_without_personal_signal_the_crowd_is_followed():
    rng = np.random.default_rng(1)
    weight = 1 / np.arange(1, 41)
    rows = [
        (f"u{u}", f"i{i}", int(d))
        for u in range(150)
        for d, i in enumerate(rng.choice(40, 8, replace=False, p=weight / weight.sum()))
    ]
    found = family.evaluate(RecommenderData(frame(rows)), family.default_recipe("collaborative"))[0]
    assert not found.protocol["chosen"]["personal"]
    assert found.metrics == found.baselines["popularity"]


def test_content_ranks_new_items_by_taste(data):
    rows = data.interactions[~data.interactions.item_id.isin(["i038", "i039"])]
    model = family.fit(RecommenderData(rows, data.items), family.default_recipe("hybrid", taste=3.0, content_reg=1.0))
    even, odd = (model.recommend(user, 40) for user in ("u002", "u003"))
    place = {user: [r.product_id for r in found] for user, found in (("even", even), ("odd", odd))}
    assert place["even"].index("i038") < place["even"].index("i039")
    assert place["odd"].index("i039") < place["odd"].index("i038")
    assert next(r.reason for r in even if r.product_id == "i038") == "new in EVEN"


def test_the_settled_recipe_refits_the_same_model(data):
    found = family.evaluate(data, family.default_recipe("hybrid"))[0]
    again = family.evaluate(data, family.settled(family.default_recipe("hybrid"), found))[0]
    assert again.metrics == pytest.approx(found.metrics)


def test_what_is_bought_every_week_comes_before_what_was_bought_once():
    rows = [("a", "milk", d) for d in range(0, 90, 7)] + [("a", "pan", 88)] + [("b", "milk", 0), ("b", "pan", 3)]
    model = family.fit(RecommenderData(frame(rows)), family.default_recipe("popularity"))
    first = model.recommend("a", 2, mode="again")
    assert [r.product_id for r in first] == ["milk", "pan"]
    assert first[0].reason == "you buy this about every 7 days"


def test_the_dates_of_one_market_may_be_iso_text_seconds_or_datetimes():
    seconds = frame([("a", f"i{n}", n) for n in range(6)])
    times = pd.to_datetime(seconds.timestamp, unit="s", utc=True)
    same = [
        encode(RecommenderData(seconds.assign(timestamp=t))).time.tolist()
        for t in (
            seconds.timestamp,
            times,
            times.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            times.astype("datetime64[ns, UTC]"),
        )
    ]
    assert same[0] == same[1] == same[2] == same[3]
