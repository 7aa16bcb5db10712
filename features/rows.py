"""Rows of a file as rows of a table: what is sound is converted, what is not carries a reason."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import checks
from features.checks import Marks
from features.errors import BadInput
from features.event_ids import content_ids, event_ids
from features.reading import Rejected, Source, as_text
from features.row_rules import hold
from features.rules import Limits, row_rules
from features.settings import IngestSettings, RetentionSettings

_WEEK_MS = 7 * 86_400_000
_DAY_MS = 86_400_000
_TIME = pa.timestamp("ms", "UTC")


@dataclass(frozen=True)
class Rules:
    """What a conversion needs to know besides the rows."""

    shift_weeks: int = 0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    ingest: IngestSettings = field(default_factory=IngestSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    limits: Limits = field(default_factory=Limits)

    @property
    def now_ms(self) -> int:
        """Now, as milliseconds since 1970."""
        return int(self.now.timestamp() * 1000)


@dataclass(frozen=True)
class Converted:
    """Sound rows of a table, and the rest with reasons."""

    rows: pa.Table
    rejected: Rejected


def product_events(source: Source, rules: Rules) -> Converted:
    """Purchases and other events of people and products."""
    rows = renamed(source.rows, {"product_id": "item_id", "event_time": "timestamp"})
    need(rows, ("user_id", "item_id", "timestamp"))
    marks = Marks(rows.num_rows)
    moment = checks.moment(rows, "timestamp", marks)
    said = _what_was_said(rows, marks, rules)
    time = moment + rules.shift_weeks * _WEEK_MS
    judged = {"timestamp": pa.array(time, _TIME), "item_id": said["product_id"], **said}
    hold(pa.table(judged), row_rules("interactions", rules.limits, rules.now), marks)
    _too_old(time, rules, marks)
    constant = {"shift_weeks": _same(rules.shift_weeks, rows.num_rows, pa.uint16())}
    times = {"event_time": pa.array(time, _TIME), "ingested_at": _same(rules.now_ms, rows.num_rows, _TIME)}
    kept = sound(source, pa.table({**times, **said, **constant}), marks)
    before_shift = pa.array(moment).filter(pa.array(~marks.bad))
    given = checks.text(rows, "event_id").filter(pa.array(~marks.bad))
    ids = event_ids([pa.chunked_array([before_shift]), *(kept.rows[name] for name in said)], "product_events")
    return replace(kept, rows=kept.rows.add_column(0, "event_id", pc.coalesce(given, ids)))


def _what_was_said(rows: pa.Table, marks: Marks, rules: Rules) -> dict[str, pa.Array]:
    price = checks.number(rows, "price", marks)
    return {
        "user_id": checks.identifier(rows, "user_id", marks),
        "product_id": checks.identifier(rows, "item_id", marks),
        "event_type": pc.fill_null(checks.text(rows, "event_type"), "purchase"),
        "quantity": pc.fill_null(checks.number(rows, "quantity", marks), 1.0),
        "price": price,
        "currency": currency(rows, price, marks, rules),
        "rating": checks.number(rows, "rating", marks),
        "order_id": pc.fill_null(checks.text(rows, "order_id"), ""),
        "prediction_id": pc.fill_null(checks.text(rows, "prediction_id"), ""),
    }


def items(source: Source, rules: Rules) -> Converted:
    """Descriptions of products."""
    names = {"product_id": "item_id", "product_category": "category", "product_type": "type", "genres": "category"}
    rows = renamed(source.rows, names)
    need(rows, ("item_id",))
    marks = Marks(rows.num_rows)
    price = checks.number(rows, "price", marks)
    described = {"item_id": checks.identifier(rows, "item_id", marks)}
    for name in ("department", "category", "type", "brand", "package_size", "title", "seller", "season"):
        described[name] = pc.fill_null(checks.text(rows, name), "")
    described |= {"price": price, "currency": currency(rows, price, marks, rules)}
    described["stock"] = checks.number(rows, "stock", marks)
    hold(pa.table(described), row_rules("items", rules.limits, rules.now), marks)
    _once(pa.table({"item_id": described["item_id"]}), marks)
    times = {"event_time": _same(rules.now_ms, rows.num_rows, _TIME)}
    times["ingested_at"] = times["event_time"]
    return sound(source, pa.table({**times, **described}), marks)


def daily_demand(source: Source, rules: Rules) -> Converted:
    """Values of series by day, with what was known beside them."""
    rows = source.rows
    need(rows, ("series_id", "ds", "y"))
    marks = Marks(rows.num_rows)
    day = checks.moment(rows, "ds", marks) // _DAY_MS
    time = pa.array((day + 7 * rules.shift_weeks) * _DAY_MS, _TIME)
    known = ("known_promo_share", "known_price_usd")
    said = {
        "series_id": checks.identifier(rows, "series_id", marks),
        "ds": pa.array((day + 7 * rules.shift_weeks).astype(np.int32), pa.date32()),
        "y": checks.number(rows, "y", marks),
        "department": pc.fill_null(checks.text(rows, "department"), ""),
        **{name: checks.number(rows, name, marks) for name in known},
        "regressors": _regressors(rows, {"series_id", "ds", "y", "department", "event_id", *known}, marks),
        "shift_weeks": _same(rules.shift_weeks, rows.num_rows, pa.uint16()),
    }
    hold(pa.table(said), row_rules("demand", rules.limits, rules.now), marks)
    _once(pa.table({"series_id": said["series_id"], "ds": said["ds"]}), marks)
    times = {"event_time": time, "ingested_at": _same(rules.now_ms, rows.num_rows, _TIME)}
    return sound(source, pa.table({**times, **said}), marks)


CONVERT: dict[str, Callable[[Source, Rules], Converted]] = {
    "purchases": product_events,
    "events": product_events,
    "items": items,
    "demand": daily_demand,
}


def renamed(rows: pa.Table, names: dict[str, str]) -> pa.Table:
    """Rows with other words for the same columns made ours, where ours is not there."""
    for theirs, ours in names.items():
        if theirs in rows.column_names and ours not in rows.column_names:
            rows = rows.rename_columns([ours if name == theirs else name for name in rows.column_names])
    return rows


def need(rows: pa.Table, names: tuple[str, ...]) -> None:
    """Refuse a file without the columns it cannot do without.

    Raises:
        BadInput: One is missing; the message names it and what is there.
    """
    missing = [name for name in names if name not in rows.column_names]
    if missing:
        raise BadInput(f"no column {', '.join(missing)}; the file has {', '.join(rows.column_names)}")


def currency(rows: pa.Table, price: pa.Array, marks: Marks, rules: Rules) -> pa.Array:
    """The currency of a price: as the row says, else as the settings say; none without a price (P43)."""
    named = checks.text(rows, "currency")
    wrong = pc.invert(pc.match_substring_regex(named, "^[A-Z]{3}$"))
    marks.add(pc.fill_null(wrong, False).to_numpy(zero_copy_only=False), "currency is not three capital letters")
    return pc.if_else(price.is_valid(), pc.fill_null(named, rules.ingest.currency), "")


def sound(source: Source, rows: pa.Table, marks: Marks) -> Converted:
    """Part the rows without a reason against them from the rest."""
    if not marks.bad.any():
        return Converted(rows, source.rejected)
    bad = np.flatnonzero(marks.bad)
    lines = source.line_numbers()[bad]
    texts = as_text(source.rows.take(bad)).to_pylist()
    rejected = Rejected.of(lines.tolist(), marks.reason_of(bad), texts)
    return Converted(rows.filter(pa.array(~marks.bad)), source.rejected + rejected)


def _too_old(time: np.ndarray, rules: Rules, marks: Marks) -> None:
    """Rows that ClickHouse would drop at once are refused aloud."""
    days = rules.retention.product_events_days
    if days:
        reason = f"is older than the {days} days that events are kept (AGRO_RETENTION_PRODUCT_EVENTS_DAYS)"
        marks.add(time < rules.now_ms - days * _DAY_MS, reason)


def _once(keys: pa.Table, marks: Marks) -> None:
    """A thing is said once in a file; what was said by a row that is refused anyway does not count."""
    sound = ~marks.bad
    again = np.zeros(keys.num_rows, bool)
    again[sound] = keys.filter(pa.array(sound)).to_pandas().duplicated().to_numpy()
    marks.add(again, f"{' and '.join(keys.column_names)} came before in this file")


def _regressors(rows: pa.Table, others: set[str], marks: Marks) -> pa.Array:
    """Every other column of numbers, as one map a row."""
    names = [name for name in rows.column_names if name not in others and _has_numbers(rows, name)]
    values = np.full((rows.num_rows, len(names)), np.nan)
    for n, name in enumerate(names):
        values[:, n] = pc.fill_null(checks.number(rows, name, marks), np.nan).to_numpy()
    there = ~np.isnan(values)
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    keys = np.broadcast_to(np.array(names, object), values.shape)[there]
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(keys, pa.string()), pa.array(values[there], pa.float64())
    )


def _has_numbers(rows: pa.Table, name: str) -> bool:
    return checks.number(rows, name, Marks(rows.num_rows)).null_count < rows.num_rows


def _same(value: int, n_rows: int, kind: pa.DataType) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), n_rows)


def description_ids(rows: pa.Table, kind: str) -> pa.Array:
    """Ids of descriptions, from all columns but the times they came with."""
    said = [name for name in rows.column_names if name not in ("event_time", "ingested_at", "event_id")]
    return content_ids([rows[name] for name in said], kind)
