"""Interactions: who did what with which product and when; what the recommender learns from."""

from dataclasses import replace
from datetime import datetime
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features import checks
from features.checks import Marks
from features.dataset import Dataset
from features.drift_windows import Span, with_categories
from features.event_ids import event_ids, former_event_ids
from features.reading import Source
from features.row_rules import hold
from features.rows import DAY_MS, TIME, WEEK_MS, Converted, Rules, currency, need, priced, renamed, same, sound
from features.rules import (
    NUMBERS,
    Contract,
    Limits,
    Rule,
    at_least,
    between,
    distinct_at_least,
    filled,
    known,
    numeric,
    of_type,
)
from features.settings import StorageSettings
from features.sql import query
from features.store import Inserted, Store

EVENT_TYPES = ("view", "add_to_cart", "remove_from_cart", "purchase", "rating")
FORMER = "former_id"
"""A column of rows on their way into the store: the id that an earlier version gave them."""
_USUAL = {"event_type": "purchase", "quantity": 1.0}
SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "item_id": pa.string(),
        "timestamp": pa.timestamp("ms", "UTC"),
        "event_type": pa.string(),
        "quantity": pa.float64(),
        "price": pa.float64(),
        "rating": pa.float64(),
    }
)


class Interactions(Dataset):
    """Purchases and other events of people and products.

    A training set has the columns of `SCHEMA`: quantity in units, price of one unit and rating on the marketplace's own
    scale, the last two missing where the event had none; oldest first.
    """

    order = ("timestamp", "user_id", "item_id")
    required = ("user_id", "item_id", "timestamp", "event_type", "quantity", "price")
    time = "timestamp"
    in_store: ClassVar = {"timestamp": "event_time", "item_id": "product_id"}
    summed = True
    had_other_ids = True

    def convert(self, source: Source, rules: Rules) -> Converted:
        """Events with an id each; two that say the same are two events."""
        rows = renamed(source.rows, {"product_id": "item_id", "event_time": "timestamp"})
        need(rows, ("user_id", "item_id", "timestamp"))
        marks = Marks(rows.num_rows)
        moment = checks.moment(rows, "timestamp", marks)
        said = _what_was_said(rows, marks)
        stored = {**said, "currency": priced(said["currency"], said["price"], rules)}
        time = moment + rules.shift_weeks * WEEK_MS
        judged = {"timestamp": pa.array(time, TIME), "item_id": said["product_id"], **stored}
        hold(pa.table(judged), self.row_rules(rules.limits, rules.now), marks)
        _too_old(time, rules, marks)
        constant = {"shift_weeks": same(rules.shift_weeks, rows.num_rows, pa.uint16())}
        times = {"event_time": pa.array(time, TIME), "ingested_at": same(rules.now_ms, rows.num_rows, TIME)}
        kept = sound(source, pa.table({**times, **stored, **constant}), marks)
        own = {"event_time": pa.array(moment, TIME), "event_id": checks.text(rows, "event_id"), **said}
        return self._with_ids(kept, pa.table(own).filter(pa.array(~marks.bad)), rules)

    def _with_ids(self, kept: Converted, own: pa.Table, rules: Rules) -> Converted:
        """An id a row: the one that it brings, else one made of its own words before any shift."""
        given, own = own["event_id"], own.drop_columns(["event_id"])
        ids = event_ids(dict(zip(own.column_names, own.columns, strict=True)), self.kind.table, _USUAL)
        table = kept.rows.add_column(0, "event_id", pc.coalesce(given, ids))
        if rules.former_ids:
            words = [own["event_time"].cast(pa.int64()), *(kept.rows[name] for name in own.column_names[1:])]
            table = table.append_column(FORMER, pc.coalesce(given, former_event_ids(words, self.kind.table)))
        return replace(kept, rows=table)

    def insert(self, store: Store, rows: pa.Table) -> Inserted:
        """Add the rows that the table holds neither under their id nor under the one of an earlier version."""
        if FORMER not in rows.column_names:
            return super().insert(store, rows)
        known = pc.is_in(rows[FORMER], value_set=store.known(self.kind.table, rows[FORMER]).combine_chunks())
        fresh = rows.filter(pc.invert(known)).drop_columns([FORMER])
        return super().insert(store, fresh) + Inserted(0, rows.num_rows - fresh.num_rows)

    def rules_of_rows(self, limits: Limits) -> tuple[Rule, ...]:
        """Ids are there, numbers sane, event types known."""
        rating = limits.max_rating
        return (
            filled("user_id"),
            filled("item_id"),
            known("event_type", EVENT_TYPES),
            between(f"is from 0 to {limits.max_quantity:,.0f}", "quantity", 0, limits.max_quantity),
            between(f"is from 0 to {limits.max_price:,.0f}", "price", 0, limits.max_price),
            between(f"is from {-rating:,.0f} to {rating:,.0f}", "rating", -rating, rating, optional=True),
        )

    def contract(self, limits: Limits, now: datetime) -> Contract:
        """Its rows' rules, and enough rows, users and items."""
        rules = (
            *self.row_rules(limits, now),
            *numeric("quantity"),
            of_type("is a number", "price", NUMBERS),
            at_least(limits.min_rows),
            distinct_at_least(limits.min_users, "user_id"),
            distinct_at_least(limits.min_items, "item_id"),
        )
        return Contract(self.required, rules)

    def query(self) -> str:
        """Every event before `as_of`."""
        return query("interactions")

    def shape(self, rows: pa.Table, storage: StorageSettings) -> pa.Table:
        """The columns of `SCHEMA`."""
        return rows.select(SCHEMA.names).cast(SCHEMA)

    def weeks(self, store: Store, span: Span) -> pd.DataFrame:
        """Columns event_time, event_type, quantity, price, hour_of_day, day_of_week (Monday 0), department, in UTC."""
        return with_categories(store.arrow(query("interactions_by_week"), span.params()))


def _what_was_said(rows: pa.Table, marks: Marks) -> dict[str, pa.Array]:
    price = checks.number(rows, "price", marks)
    return {
        "user_id": checks.identifier(rows, "user_id", marks),
        "product_id": checks.identifier(rows, "item_id", marks),
        "event_type": pc.fill_null(checks.text(rows, "event_type"), _USUAL["event_type"]),
        "quantity": pc.fill_null(checks.number(rows, "quantity", marks), _USUAL["quantity"]),
        "price": price,
        "currency": currency(rows, price, marks),
        "rating": checks.number(rows, "rating", marks),
        "order_id": pc.fill_null(checks.text(rows, "order_id"), ""),
        "prediction_id": pc.fill_null(checks.text(rows, "prediction_id"), ""),
    }


def _too_old(time: np.ndarray, rules: Rules, marks: Marks) -> None:
    """Rows that ClickHouse would drop at once are refused aloud."""
    days = rules.retention.product_events_days
    if days:
        reason = f"is older than the {days} days that events are kept (AGRO_RETENTION_PRODUCT_EVENTS_DAYS)"
        marks.add(time < rules.now_ms - days * DAY_MS, reason)
