import numpy as np
import pandas as pd
import pytest

from models.recommendation.data import RecommenderData
from models.recommendation.events import encode
from models.recommendation.family import FAMILY as family
from models.recommendation.season import in_season, more_than_usual
from tests.models.recommendation.conftest import frame, market

SETTLED = {"reg": 10.0, "profile": {"one": 1.0}, "trends": {}, "personal": True, "taste": 1.0, "content_reg": 1.0}


def reasons(model, user, **asked):
    return {found.product_id: found.reason for found in model.recommend(user, 40, **asked)}


def fitted(rows, items):
    return family.fit(RecommenderData(rows, items), family.default_recipe("hybrid", **SETTLED))


def test_a_new_item_of_a_known_seller_says_so_and_of_another_its_category(data):
    sellers = ["hill farm" if n % 4 == 0 else "mill farm" for n in range(44)]
    rows = data.interactions[data.interactions.item_id != "i002"]
    model = fitted(rows, data.items.assign(seller=sellers))
    bought = set(rows[rows.user_id == "u001"].item_id)
    assert not bought & {f"i{n:03d}" for n in range(4, 44, 4)}  # of the hill farm u001 has i000 alone
    only_odd = rows[~((rows.user_id == "u001") & (rows.item_id == "i000"))]
    stranger = fitted(only_odd, data.items.assign(seller=sellers))
    assert reasons(model, "u001")["i040"] == "new from a seller you buy from"
    assert reasons(stranger, "u001")["i040"] == "new in EVEN"


def yearly(years):
    """Everybody buys i000 all year; plums are bought in the last four weeks of each year alone."""
    rows = [(f"u{day % 50:03d}", "i000" if day % 2 else "i001", day) for day in range(int(365.25 * years))]
    end = len(rows) - 1
    for year in range(years):
        rows += [(f"u{n:03d}", "plums", end - int(365.25 * year) - n % 26) for n in range(30)]
    return frame(rows)


def test_what_sells_at_this_time_of_every_year_is_in_season():
    events = encode(RecommenderData(yearly(3)))
    assert events.items[in_season(events)].tolist() == ["plums"]
    model = family.fit(RecommenderData(yearly(3)), family.default_recipe("popularity"))
    assert reasons(model, "nobody")["plums"] == "in season"
    assert reasons(model, "nobody")["i000"] == "popular with everyone"


def test_within_the_first_year_more_than_usual_is_all_that_can_be_said():
    events = encode(RecommenderData(yearly(1)))
    assert not in_season(events).any()
    assert events.items[more_than_usual(events)].tolist() == ["plums"]


def test_a_steady_market_has_no_season():
    events = encode(RecommenderData(market(200)))
    assert not more_than_usual(events).any() and not in_season(events).any()


def test_what_is_sold_out_is_shown_to_nobody_in_no_mode(data):
    stock = ["0" if n in (0, 2, 3) else "" if n == 4 else "7" for n in range(44)]
    model = fitted(data.interactions, data.items.assign(stock=stock))
    for user in ("u002", "u003", "nobody"):
        for mode in ("discover", "again"):
            shown = set(reasons(model, user, mode=mode))
            assert shown and not shown & {"i000", "i002", "i003"}
    assert "i004" in reasons(model, "nobody")


def test_places_for_new_items_are_kept_and_the_limit_of_a_category_holds_among_them(data):
    model = fitted(data.interactions, data.items)
    plain = model.recommend("u002", 6)
    fresh = model.recommend("u002", 6, min_new=3)
    new = {f"i{n:03d}" for n in range(40, 44)}
    assert len({r.product_id for r in fresh} & new) == 3 > len({r.product_id for r in plain} & new)
    assert [r.score for r in fresh] == sorted((r.score for r in fresh), reverse=True)
    both = model.recommend("u002", 4, min_new=3, max_per_category=2)
    kinds = [int(r.product_id[1:]) % 2 for r in both]
    assert sorted(kinds) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"max_per_category": 0}, "max_per_category"), ({"min_new": 11}, "min_new"), ({"min_new": "1"}, "min_new")],
)
def test_controls_out_of_range_are_refused_by_name(data, asked, field):
    from models.errors import BadRequest

    model = fitted(data.interactions, data.items)
    with pytest.raises(BadRequest, match=field):
        model.answer({"user_id": "u002", **asked})


def test_controls_come_through_the_request(data):
    model = fitted(data.interactions, data.items)
    answer = model.answer({"user_id": "u002", "n_recommendations": 4, "max_per_category": 1, "min_new": 1})
    assert len(answer["recommendations"]) == 2


def test_sold_by_price_and_month_tells_items_apart_for_content():
    """Dear and cheap things have no describing word in common; the price that was paid still says who wants them."""
    from models.recommendation.content import features

    rows = market()
    odd = rows.item_id.str[1:].astype(int) % 2
    priced = rows.assign(price=np.where(odd, 90.0, 2.0) + rows.item_id.str[1:].astype(int) % 7)
    items = pd.DataFrame({"item_id": sorted(rows.item_id.unique())})
    described = features(items, encode(RecommenderData(priced, items)), observed=True)
    likeness = (described @ described.T).toarray()
    even = np.arange(len(items)) % 2 == 0
    assert likeness[np.ix_(even, even)].mean() > 2 * likeness[np.ix_(even, ~even)].mean()
    assert features(items, encode(RecommenderData(priced, items))).nnz == 0


def test_half_of_the_weights_is_refused(data):
    from models.errors import BadData

    with pytest.raises(BadData, match="hyperparameter reg"):
        family.fit(data, family.default_recipe("collaborative", profile={"one": 1.0}, trends={}))
