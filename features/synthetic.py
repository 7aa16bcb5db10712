"""Seeded small event sets whose structure is known, so that a test knows the right answer.

Tastes: every buyer has a favourite department, which changes with the season. Demand: a product of a weekday pattern,
the lift of a promotion and the lift of warm weather, with Poisson noise.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field, PositiveFloat, PositiveInt

DEPARTMENTS = ("FRUIT", "VEGETABLES", "GRAIN", "DAIRY", "TOOLS", "SEED")
START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
WEEKDAY_LIFT = (1.0, 1.0, 1.0, 1.1, 1.3, 1.6, 0.7)
"""Demand of a weekday, Monday first, as a multiple of Monday's."""


class Market(BaseModel, frozen=True, extra="forbid"):
    """A small market with known tastes."""

    users: PositiveInt = 120
    items: PositiveInt = 60
    days: PositiveInt = 360
    purchases_per_user: PositiveInt = 40
    loyalty: float = Field(default=0.8, ge=0, le=1)
    """Share of purchases from the favourite department; the rest is spread evenly over all departments."""
    season_days: PositiveInt = 180
    """After so many days everybody's favourite moves on to the next department."""
    view_share: float = Field(default=0.0, ge=0, le=1)
    """Views added, as a share of purchases."""
    start: datetime = START
    seed: int = 0


class Harvest(BaseModel, frozen=True, extra="forbid"):
    """Daily demand with known causes: units = base × weekday × (1 + lift × promotion share) × e^(heat × (°C − 20))."""

    series: PositiveInt = 4
    days: PositiveInt = 420
    base_units: PositiveFloat = 60.0
    promo_lift: float = 0.5
    """Units of a day that is all promotion, on top of one that has none, as a share."""
    heat_per_c: float = 0.03
    """Growth of log demand per degree Celsius."""
    price_usd: PositiveFloat = 3.0
    promo_discount: float = Field(default=0.25, ge=0, lt=1)
    start: datetime = START
    seed: int = 0


def favourite(user: int, day: int, market: Market) -> str:
    """The department that a buyer prefers on a day, counted from the market's start.

    >>> favourite(0, 0, Market()), favourite(0, 180, Market()), favourite(1, 0, Market())
    ('FRUIT', 'VEGETABLES', 'VEGETABLES')
    """
    return DEPARTMENTS[(user + day // market.season_days) % len(DEPARTMENTS)]


def items(market: Market | None = None) -> pa.Table:
    """The catalogue: item `i007` lies in department 7 modulo their number. One row an item."""
    market = market or Market()
    numbers = range(market.items)
    departments = [DEPARTMENTS[number % len(DEPARTMENTS)] for number in numbers]
    return pa.table(
        {
            "item_id": [item_id(number) for number in numbers],
            "department": departments,
            "category": [f"{department} {number % 2}" for number, department in zip(numbers, departments, strict=True)],
            "type": [
                f"{department} TYPE {number % 3}" for number, department in zip(numbers, departments, strict=True)
            ],
            "brand": [("National", "Private")[number % 2] for number in numbers],
            "package_size": [f"{1 + number % 5} KG" for number in numbers],
            "title": [
                f"{department.title()} number {number}" for number, department in zip(numbers, departments, strict=True)
            ],
            "price": [price_usd(number) for number in numbers],
        }
    )


def item_id(number: int) -> str:
    """The name of the catalogue's nth item.

    >>> item_id(7)
    'i007'
    """
    return f"i{number:03d}"


def price_usd(number: int) -> float:
    """What one unit of the nth item costs, in US dollars.

    >>> price_usd(7)
    2.75
    """
    return 1.0 + 0.25 * (number % 12)


def purchases(market: Market | None = None) -> pa.Table:
    """Purchases (and views, if the market has any) in ingest format, ordered by time.

    Returns:
        Columns user_id, item_id, timestamp (UTC, ms), event_type, quantity, price (USD of one unit).
    """
    market = market or Market()
    rng = np.random.default_rng(market.seed)
    user = np.repeat(np.arange(market.users), market.purchases_per_user)
    second = rng.integers(0, market.days * 86_400, user.size)
    item = _chosen_items(user, second // 86_400, market, rng)
    quantity = rng.integers(1, 4, user.size)
    bought = _events(market, user, item, second, quantity, "purchase")
    views = rng.choice(user.size, round(market.view_share * user.size), replace=False)
    seen = _events(
        market, user[views], item[views], np.maximum(second[views] - 60, 0), np.ones(views.size, int), "view"
    )
    return pa.concat_tables([bought, seen]).sort_by([("timestamp", "ascending"), ("user_id", "ascending")])


def daily_demand(harvest: Harvest | None = None) -> pa.Table:
    """Units a day of a few series, in ingest format, with the conditions that caused them.

    Returns:
        Columns series_id, ds (UTC midnight, ms), y (units), department, known_promo_share (0..1), known_price_usd,
        known_temperature_c. One row a series and day, no gaps.
    """
    harvest = harvest or Harvest()
    rng = np.random.default_rng(harvest.seed)
    return pa.concat_tables([_one_series(number, harvest, rng) for number in range(harvest.series)])


def expected_units(day: np.ndarray, promo: np.ndarray, temperature_c: np.ndarray, harvest: Harvest) -> np.ndarray:
    """The mean that the noise is drawn around.

    Args:
        day: Days since the start, shape (n_days,).
        promo: Promotion share of the day, 0..1, shape (n_days,).
        temperature_c: Shape (n_days,).
        harvest: The causes.

    Returns:
        Units a day, shape (n_days,).
    """
    weekday = np.asarray(WEEKDAY_LIFT)[(day + harvest.start.weekday()) % 7]
    heat = np.exp(harvest.heat_per_c * (temperature_c - 20.0))
    return harvest.base_units * weekday * (1 + harvest.promo_lift * promo) * heat


def _chosen_items(user: np.ndarray, day: np.ndarray, market: Market, rng: np.random.Generator) -> np.ndarray:
    departments = len(DEPARTMENTS)
    loyal = rng.random(user.size) < market.loyalty
    preferred = (user + day // market.season_days) % departments
    department = np.where(loyal, preferred, rng.integers(0, departments, user.size))
    shelf = rng.integers(0, max(1, market.items // departments), user.size)
    return (shelf * departments + department) % market.items


def _events(
    market: Market, user: np.ndarray, item: np.ndarray, second: np.ndarray, quantity: np.ndarray, event_type: str
) -> pa.Table:
    moments = np.datetime64(market.start.replace(tzinfo=None), "ms") + second.astype("timedelta64[s]")
    return pa.table(
        {
            "user_id": pa.array([f"u{number:04d}" for number in user], pa.string()),
            "item_id": pa.array([item_id(number) for number in item], pa.string()),
            "timestamp": pa.array(moments, pa.timestamp("ms")).cast(pa.timestamp("ms", "UTC")),
            "event_type": pa.array([event_type] * user.size, pa.string()),
            "quantity": quantity.astype(float),
            "price": 1.0 + 0.25 * (item % 12),
        }
    )


def _one_series(number: int, harvest: Harvest, rng: np.random.Generator) -> pa.Table:
    day = np.arange(harvest.days)
    temperature = 20 + 8 * np.sin(2 * np.pi * (day - 100) / 365) + rng.normal(0, 2, day.size)
    promo = np.where(rng.random(day.size) < 0.2, rng.uniform(0.2, 1.0, day.size), 0.0)
    units = rng.poisson(expected_units(day, promo, temperature, harvest))
    moments = [harvest.start + timedelta(days=int(offset)) for offset in day]
    return pa.table(
        {
            "series_id": [f"series-{number}"] * day.size,
            "ds": pa.array(moments, pa.timestamp("ms", "UTC")),
            "y": units.astype(float),
            "department": [DEPARTMENTS[number % len(DEPARTMENTS)]] * day.size,
            "known_promo_share": promo,
            "known_price_usd": harvest.price_usd * (1 - harvest.promo_discount * promo),
            "known_temperature_c": temperature,
        }
    )
