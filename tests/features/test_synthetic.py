"""The synthetic markets: what they promise is in them, so tests may rely on it."""

import numpy as np
import pandas as pd

from features import synthetic
from features.synthetic import DEPARTMENTS, Harvest, Market, favourite


def bought(market: Market) -> pd.DataFrame:
    frame = synthetic.purchases(market).to_pandas()
    departments = synthetic.items(market).to_pandas().set_index("item_id")["department"]
    return frame.assign(
        user=frame["user_id"].str[1:].astype(int),
        day=(frame["timestamp"] - market.start).dt.days,
        department=frame["item_id"].map(departments),
    )


def share_of_favourites(frame: pd.DataFrame, market: Market) -> float:
    wanted = [favourite(user, day, market) for user, day in zip(frame["user"], frame["day"], strict=True)]
    return float((frame["department"] == wanted).mean())


def test_purchases_have_the_columns_that_ingest_reads():
    table = synthetic.purchases(Market(users=3, purchases_per_user=2))
    assert table.column_names == ["user_id", "item_id", "timestamp", "event_type", "quantity", "price"]
    assert str(table.schema.field("timestamp").type) == "timestamp[ms, tz=UTC]"
    assert table.num_rows == 6


def test_the_same_seed_gives_the_same_market_and_another_seed_another():
    assert synthetic.purchases(Market(seed=1)).equals(synthetic.purchases(Market(seed=1)))
    assert not synthetic.purchases(Market(seed=1)).equals(synthetic.purchases(Market(seed=2)))
    assert synthetic.daily_demand(Harvest(seed=1)).equals(synthetic.daily_demand(Harvest(seed=1)))


def test_buyers_favour_their_department_as_often_as_the_market_says():
    market = Market(users=200, loyalty=0.8)
    # eight in ten by loyalty, and a sixth of the other two by chance
    assert abs(share_of_favourites(bought(market), market) - (0.8 + 0.2 / len(DEPARTMENTS))) < 0.02


def test_without_loyalty_no_department_is_favoured():
    market = Market(users=200, loyalty=0.0)
    assert abs(share_of_favourites(bought(market), market) - 1 / len(DEPARTMENTS)) < 0.02


def test_tastes_move_on_with_the_season():
    market = Market(users=200, season_days=180)
    frame = bought(market)
    winter = frame["day"] < 180
    as_if_winter = frame.assign(day=0)
    assert share_of_favourites(as_if_winter[winter], market) > 0.8
    assert share_of_favourites(as_if_winter[~winter], market) < 0.06


def test_views_come_on_top_of_purchases_and_all_items_are_in_the_catalogue():
    market = Market(view_share=0.5)
    frame = synthetic.purchases(market).to_pandas()
    assert frame["event_type"].value_counts().to_dict() == {"purchase": 4800, "view": 2400}
    assert set(frame["item_id"]) <= set(synthetic.items(market)["item_id"].to_pylist())
    assert frame["timestamp"].is_monotonic_increasing


def test_the_causes_of_demand_can_be_read_back_from_it():
    harvest = Harvest(series=6, days=700, promo_lift=0.5, heat_per_c=0.03)
    frame = synthetic.daily_demand(harvest).to_pandas()
    promo, heat = frame["known_promo_share"], frame["known_temperature_c"] - 20
    weekdays = pd.get_dummies(frame["ds"].dt.dayofweek).to_numpy(float)
    columns = np.column_stack([np.log1p(harvest.promo_lift * promo), heat, weekdays])
    effects = np.linalg.lstsq(columns, np.log(frame["y"]), rcond=None)[0]
    assert abs(effects[0] - 1.0) < 0.05
    assert abs(effects[1] - 0.03) < 0.002
    assert abs(np.exp(effects[2 + 5] - effects[2]) - synthetic.WEEKDAY_LIFT[5]) < 0.05


def test_a_promotion_lowers_the_price_by_the_discount_it_promises():
    harvest = Harvest(price_usd=4.0, promo_discount=0.25)
    frame = synthetic.daily_demand(harvest).to_pandas()
    np.testing.assert_allclose(frame["known_price_usd"], 4.0 * (1 - 0.25 * frame["known_promo_share"]))


def test_every_series_has_every_day_once():
    frame = synthetic.daily_demand(Harvest(series=3, days=30)).to_pandas()
    assert len(frame) == 90 and not frame.duplicated(["series_id", "ds"]).any()
    assert (frame["ds"].dt.normalize() == frame["ds"]).all()
