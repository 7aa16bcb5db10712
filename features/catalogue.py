"""The catalogue: what describes each product; it stands beside the interactions."""

import pyarrow as pa
import pyarrow.compute as pc

from features import checks
from features.checks import Marks
from features.dataset import Dataset
from features.descriptions import insert_descriptions
from features.reading import Source
from features.row_rules import hold
from features.rows import TIME, Converted, Rules, currency, need, once, priced, renamed, same, sound
from features.rules import Limits, Rule, between, filled
from features.settings import StorageSettings
from features.sql import query
from features.store import Inserted, Store

_THEIRS = {"product_id": "item_id", "product_category": "category", "product_type": "type", "genres": "category"}
_TEXTS = ("department", "category", "type", "brand", "package_size", "title", "seller", "season")
FILLED_IN = "currency_filled_in"
"""A column of rows on their way into the store: whether their currency is the settings' and not their own."""


class Catalogue(Dataset):
    """Descriptions of products; the newest of an item is the item.

    A snapshot has item_id, department, category, type, brand, package_size, title, price, seller, season and stock; all
    text, empty where unknown, price and stock missing; one row an item. What was described after `as_of` counts too: it
    says what a thing is, not what will happen to it. Once a description has been replaced, the store may drop it; the
    snapshot keeps it.
    """

    order = ("item_id",)
    required = ("item_id",)
    time = ""
    corrected_by = ("item_id",)
    may_be_empty = True

    def convert(self, source: Source, rules: Rules) -> Converted:
        """Descriptions, each item once."""
        rows = renamed(source.rows, _THEIRS)
        need(rows, self.required)
        marks = Marks(rows.num_rows)
        price = checks.number(rows, "price", marks)
        described = {"item_id": checks.identifier(rows, "item_id", marks)}
        for name in _TEXTS:
            described[name] = pc.fill_null(checks.text(rows, name), "")
        named = currency(rows, price, marks)
        described |= {"price": price, "currency": priced(named, price, rules)}
        described["stock"] = checks.number(rows, "stock", marks)
        hold(pa.table(described), self.row_rules(rules.limits, rules.now), marks)
        once(pa.table({"item_id": described["item_id"]}), marks)
        times = {name: same(rules.now_ms, rows.num_rows, TIME) for name in ("event_time", "ingested_at")}
        filled_in = pc.and_(named.is_null(), price.is_valid())
        return sound(source, pa.table({**times, **described, FILLED_IN: filled_in}), marks)

    def insert(self, store: Store, rows: pa.Table) -> Inserted:
        """Add the descriptions that are new; a file that names no currency does not change that of the same price."""
        rows, filled_in = rows.drop_columns([FILLED_IN]), rows[FILLED_IN]
        return insert_descriptions(store, self.kind.table, rows, self.corrected_by, {"currency": filled_in})

    def rules_of_rows(self, limits: Limits) -> tuple[Rule, ...]:
        """An id, and sane numbers."""
        return (
            filled("item_id"),
            between(f"is from 0 to {limits.max_price:,.0f}", "price", 0, limits.max_price),
            between("is 0 or more", "stock", 0),
        )

    def query(self) -> str:
        """Of each item its newest description."""
        return query("catalogue")

    def shape(self, rows: pa.Table, storage: StorageSettings) -> pa.Table:
        """All text."""
        return rows.cast(pa.schema({name: pa.string() for name in rows.column_names}))
