"""What is done with the rows of a kind: loaded from a file, judged, taken as a training set, watched."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features import checks
from features.broken_rows import Broken
from features.checks import Marks
from features.descriptions import insert_descriptions
from features.drift_windows import Span, with_categories
from features.errors import BadInput
from features.event_ids import event_ids
from features.kinds import Kind
from features.reading import Rejected, Source, read_source
from features.row_rules import hold
from features.rows import TIME, WEEK_MS, Converted, Rules, need, same, sound
from features.rules import Contract, Limits, Rule, at_least, filled, in_time
from features.settings import StorageSettings
from features.snapshot import Snapshot, Window, freeze, take
from features.store import Inserted, Store

Reader = Callable[[pa.Table, str, Marks], pa.Array]
"""Reads a column of a file, such as `checks.number`; what it cannot read is marked."""


@dataclass(frozen=True)
class Part:
    """Some of what was read: sound rows and the rest, and how many of how many are dealt with after it."""

    rows: pa.Table
    rejected: Rejected
    done: int
    total: int


class Dataset:
    """The rows of a kind. A subclass says how they are converted and judged; what most kinds do alike stands here."""

    columns: ClassVar[dict[str, Reader]] = {}
    """What `convert` reads from a file beside the `timestamp` of each row, unless a kind converts its rows itself."""
    order: ClassVar[tuple[str, ...]] = ("event_time",)
    """Columns that a training set is sorted by first."""
    required: ClassVar[tuple[str, ...]] = ()
    """Columns that a training set cannot do without, where they are not `time` and `columns`."""
    time: ClassVar[str] = "event_time"
    """The column of a training set that must lie in a sensible past; empty where it has none."""
    zone: ClassVar[str | None] = "UTC"
    """Of that column; None where it holds days without one."""
    corrected_by: ClassVar[tuple[str, ...]] = ()
    """What a row is about, where a later row about it corrects it; empty where each row is an event of its own."""
    in_store: ClassVar[dict[str, str]] = {}
    """Columns of the table that have another name in a training set: theirs by its."""
    judged_where: ClassVar[str] = "true"
    """Which stored rows a contract ever looks at."""
    summed: ClassVar[bool] = False
    """Whether views sum the rows by day."""
    may_be_empty: ClassVar[bool] = False
    """Whether a training set without rows is one."""
    had_other_ids: ClassVar[bool] = False
    """Whether an earlier version made other ids of its rows."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def place(self, name: str, path: Path) -> Path:
        """The file itself, or the one of that name in a folder.

        Raises:
            BadInput: The folder has none.
        """
        if not path.is_dir():
            return path
        stems = self.kind.inputs[name]
        for stem in stems:
            for suffix in (".parquet", ".csv"):
                if (path / f"{stem}{suffix}").is_file():
                    return path / f"{stem}{suffix}"
        raise BadInput(f"{path} holds no {stems[0]}.csv or .parquet")

    def read(self, path: Path, rules: Rules, store: Store, storage: StorageSettings) -> Iterator[Part]:
        """What `place` found, converted, in the parts that are inserted one after another."""
        yield from self.parts(read_source(path), rules)

    def parts(self, source: Source, rules: Rules) -> Iterator[Part]:
        """Converted rows, as many at a time as the settings say; what corrects others is compared all at once."""
        found = self.convert(source, rules)
        total = found.rows.num_rows
        step = max(total, 1) if self.corrected_by else rules.ingest.chunk_rows
        yield Part(found.rows.slice(0, step), found.rejected, min(step, total), total)
        for start in range(step, total, step):
            yield Part(found.rows.slice(start, step), Rejected.none(), min(start + step, total), total)

    def convert(self, source: Source, rules: Rules) -> Converted:
        """Rows of a file as rows of the table, with `event_id` unless they are corrected; bad ones with a reason."""
        need(source.rows, ("timestamp", *self.columns))
        marks = Marks(source.rows.num_rows)
        moment = checks.moment(source.rows, "timestamp", marks)
        said = {name: read(source.rows, name, marks) for name, read in self.columns.items()}
        time = pa.array(moment + rules.shift_weeks * WEEK_MS, TIME)
        times = {"event_time": time, "ingested_at": same(rules.now_ms, len(moment), TIME)}
        hold(pa.table({**times, **said}), self.row_rules(rules.limits, rules.now), marks)
        kept = sound(source, pa.table({**times, **said}), marks)
        before_shift = pa.array(moment, TIME).filter(pa.array(~marks.bad))
        ids = event_ids({"event_time": before_shift, **{name: kept.rows[name] for name in said}}, self.kind.table)
        return replace(kept, rows=kept.rows.add_column(0, "event_id", ids))

    def insert(self, store: Store, rows: pa.Table) -> Inserted:
        """Add the rows that the table does not hold yet."""
        if self.corrected_by:
            return insert_descriptions(store, self.kind.table, rows, self.corrected_by)
        return store.insert(self.kind.table, rows)

    def row_rules(self, limits: Limits, now: datetime) -> tuple[Rule, ...]:
        """What each row must satisfy by itself, at the door and in a training set.

        Args:
            limits: The numbers behind the rules.
            now: After this time, and the skew that clocks are allowed, an event lies in the future.
        """
        timely = in_time(self.time, limits, now, self.zone) if self.time else ()
        return (*timely, *self.rules_of_rows(limits))

    def rules_of_rows(self, limits: Limits) -> tuple[Rule, ...]:
        """What each row must satisfy, its time aside."""
        return tuple(filled(name) for name in self.columns)

    def contract(self, limits: Limits, now: datetime) -> Contract:
        """All that a training set must satisfy."""
        required = self.required or (self.time, *self.columns)
        return Contract(required, (*self.row_rules(limits, now), at_least(limits.min_rows)))

    def broken_together(self, store: Store, storage: StorageSettings) -> list[Broken]:
        """The stored rows that break a rule only beside others."""
        return []

    def query(self) -> str:
        """SQL of a training set, whose parameters are `as_of` and `known_at`."""
        return (
            f"SELECT * EXCEPT (event_id, ingested_at) FROM {self.kind.table} "  # noqa: S608 - names are ours
            "WHERE event_time < {as_of:DateTime64(3, 'UTC')} AND ingested_at <= {known_at:DateTime64(3, 'UTC')}"
        )

    def shape(self, rows: pa.Table, storage: StorageSettings) -> pa.Table:
        """Rows of the query as a training set has them: plain columns."""
        coded = [name for name in rows.column_names if pa.types.is_dictionary(rows[name].type)]
        for name in coded:
            rows = rows.set_column(rows.column_names.index(name), name, rows[name].cast(pa.string()))
        return rows

    def snapshot(
        self,
        store: Store,
        as_of: datetime,
        known_at: datetime | None = None,
        storage: StorageSettings | None = None,
    ) -> Snapshot:
        """Take a snapshot of the training set.

        Args:
            store: Where the rows are.
            as_of: Events from this time on are left out.
            known_at: Rows that arrived after this time are left out; None is now.
            storage: Where the snapshot is kept; None takes the settings.

        Raises:
            EmptyTrainingSet: Nothing had happened, or nothing was known.
        """
        window, storage, text = Window.of(as_of, known_at), storage or StorageSettings(), self.query()
        rows = self.shape(store.arrow(text, window.params()), storage)
        keep = freeze if self.may_be_empty else take
        return keep(self.kind.name, rows, text, window, order=self.order, folder=storage.snapshots, **self.kept())

    def kept(self) -> dict[str, Any]:
        """What else a snapshot keeps: `local` columns, `extra` facts."""
        return {}

    def restored(self, snapshot: Snapshot, storage: StorageSettings) -> pd.DataFrame:
        """The rows of a stored snapshot, as they are used on this machine."""
        return snapshot.frame()

    def weeks(self, store: Store, span: Span) -> pd.DataFrame:
        """The rows of a span for the drift check: `event_time` first, text as categories, all else numbers."""
        rows = store.arrow(self.query(), span.window.params())
        rows = rows.filter(pc.greater_equal(rows["event_time"], pa.scalar(span.since, rows["event_time"].type)))
        return with_categories(rows)
