"""What kinds share where they make rows of a table out of rows of a file: the sound ones, and reasons for the rest."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features import checks
from features.checks import Marks
from features.errors import BadInput
from features.reading import Rejected, Source, as_text
from features.rules import Limits
from features.settings import IngestSettings, RetentionSettings

WEEK_MS = 7 * 86_400_000
DAY_MS = 86_400_000
TIME = pa.timestamp("ms", "UTC")


@dataclass(frozen=True)
class Rules:
    """What a conversion needs to know besides the rows."""

    shift_weeks: int = 0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    ingest: IngestSettings = field(default_factory=IngestSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    limits: Limits = field(default_factory=Limits)
    former_ids: bool = False
    """Whether the store may know the rows under the ids that an earlier version gave them."""

    @property
    def now_ms(self) -> int:
        """Now, as milliseconds since 1970."""
        return int(self.now.timestamp() * 1000)


@dataclass(frozen=True)
class Converted:
    """Sound rows of a table, and the rest with reasons."""

    rows: pa.Table
    rejected: Rejected


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


def currency(rows: pa.Table, price: pa.Array, marks: Marks) -> pa.Array:
    """The currency of a price where the row names one, else null."""
    named = checks.text(rows, "currency")
    wrong = pc.invert(pc.match_substring_regex(named, "^[A-Z]{3}$"))
    marks.add(pc.fill_null(wrong, False).to_numpy(zero_copy_only=False), "currency is not three capital letters")
    return pc.if_else(price.is_valid(), named, None)


def priced(named: pa.Array, price: pa.Array, rules: Rules) -> pa.Array:
    """The currency of a price: as the row says, else as the settings say; none without a price (P43)."""
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


def once(keys: pa.Table, marks: Marks) -> None:
    """A thing is said once in a file; what was said by a row that is refused anyway does not count."""
    sound = ~marks.bad
    again = np.zeros(keys.num_rows, bool)
    again[sound] = keys.filter(pa.array(sound)).to_pandas().duplicated().to_numpy()
    marks.add(again, f"{' and '.join(keys.column_names)} came before in this file")


def same(value: int, n_rows: int, kind: pa.DataType) -> pa.Array:
    """One value in every row."""
    return pa.repeat(pa.scalar(value, kind), n_rows)
