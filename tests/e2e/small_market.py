"""A small folder of the demo's layout, drawn with known structure."""

from pathlib import Path


def write(folder: Path, seed: int = 7) -> Path:
    """Purchases with tastes, daily demand with promotions, and drawn leaves, as `agro demo --data` takes them."""
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    from features import synthetic, synthetic_leaves

    journey, demand = folder / "interactions" / "grocery_journey", folder / "demand"
    journey.mkdir(parents=True)
    demand.mkdir(parents=True)
    market = synthetic.Market(users=210, items=60, days=300, season_days=400, seed=seed)
    pq.write_table(synthetic.purchases(market), journey / "interactions.parquet")
    csv.write_csv(synthetic.items(market), journey / "items.csv")
    harvest = synthetic.Harvest(series=6, days=300, start=market.start, seed=seed)
    csv.write_csv(synthetic.daily_demand(harvest), demand / "grocery_daily.csv")
    synthetic_leaves.draw(folder / "leaves", classes=synthetic_leaves.CLASSES[:4], per_class=40, size=96, seed=seed)
    return folder
