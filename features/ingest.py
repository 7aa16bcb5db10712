"""Load files and folders: bad rows into a file with reasons, good rows into ClickHouse, each once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features.dataset import Dataset, Part
from features.errors import BadInput
from features.kinds import ingested
from features.migration import has_former_ids
from features.reading import Rejected, Source
from features.rejects import MOST_REASONS, Reason, reasons, write_rejects
from features.rows import Rules
from features.settings import StorageSettings
from features.store import Inserted, Store

Progress = Callable[[int, int], None]
"""Is told how many rows are done, and of how many."""


@dataclass(frozen=True)
class IngestResult:
    """What became of a file's rows: read = inserted + duplicates + rejected."""

    kind: str
    read: int
    inserted: int
    duplicates: int
    rejected: int
    rejects_path: Path | None = None
    reasons: tuple[Reason, ...] = ()
    """Those that were held against most rows."""
    further_reasons: int = 0
    """How many more there are in the file of rejects."""

    def too_many_rejected(self, allowed: float) -> str:
        """As the function of that name."""
        return too_many_rejected(self.rejected, self.read, allowed, self.rejects_path)


def too_many_rejected(rejected: int, read: int, allowed: float, where: Path | str | None) -> str:
    """What is to be said where a greater share of the rows was rejected than is allowed; nothing where not.

    >>> too_many_rejected(1, 10, 0.05, "r.csv")
    '1 of 10 rows were rejected (10.0 %, allowed are 5.0 %); what was good is loaded (9), the reasons are in r.csv'
    >>> too_many_rejected(1, 20, 0.05, None)
    ''
    """
    if rejected <= allowed * read:
        return ""
    share = f"{rejected / read:.1%}, allowed are {allowed:.1%}".replace("%", " %")
    left = f"what was good is loaded ({read - rejected:,})" if read > rejected else "nothing is loaded"
    return f"{rejected:,} of {read:,} rows were rejected ({share}); {left}, the reasons are in {where}"


def ingest(
    store: Store,
    name: str,
    path: Path | str,
    storage: StorageSettings | None = None,
    shift_weeks: int = 0,
    progress: Progress | None = None,
) -> IngestResult:
    """Load a CSV or Parquet file, a folder that has one, or whatever else the kind comes in.

    Run it twice, or again after it was killed: every good row is in the store once.

    Args:
        store: Where the rows go.
        name: What the files of a kind are called, one of `features.kinds.inputs`.
        path: The file or folder.
        storage: Where images and rejects go.
        shift_weeks: Whole weeks to add to times, kept with each row; ids do not depend on it.
        progress: Told after each part.

    Raises:
        UnknownKind: There is no such kind.
        BadInput: The file cannot be read at all, or lacks a column.
        DiskFull, StoreUnreachable: What was loaded stays; run it again.
    """
    dataset, storage = ingested(name).open(), storage or StorageSettings()
    found = dataset.place(name, Path(path))
    try:
        parts = dataset.read(found, _rules(store, dataset, shift_weeks), store, storage)
        return _load(store, dataset, name, str(found), parts, storage, progress)
    except BadInput as exc:
        raise exc if str(found) in str(exc) else BadInput(f"{found}: {exc}") from exc


def ingest_table(
    store: Store,
    name: str,
    rows: pa.Table,
    storage: StorageSettings | None = None,
    shift_weeks: int = 0,
    progress: Progress | None = None,
) -> IngestResult:
    """Load rows from memory as `ingest` loads those of a file."""
    dataset = ingested(name).open()
    parts = dataset.parts(Source(rows), _rules(store, dataset, shift_weeks))
    return _load(store, dataset, name, "memory", parts, storage or StorageSettings(), progress)


def _rules(store: Store, dataset: Dataset, shift_weeks: int) -> Rules:
    if not 0 <= shift_weeks <= 5000:
        raise BadInput(f"cannot shift by {shift_weeks} weeks: give a number from 0 to 5000")
    former = dataset.had_other_ids and has_former_ids(store, dataset.kind.table)
    return Rules(shift_weeks, former_ids=former)


def _load(
    store: Store,
    dataset: Dataset,
    name: str,
    source: str,
    parts: Iterator[Part],
    storage: StorageSettings,
    progress: Progress | None,
) -> IngestResult:
    done, sound = Inserted(0, 0), 0
    rejected, rejects = Rejected.none(), write_rejects(Rejected.none(), storage.rejects, name, source)
    for part in parts:
        if len(part.rejected):
            rejected += part.rejected
            rejects = write_rejects(rejected, storage.rejects, name, source)
        done += dataset.insert(store, part.rows)
        sound += part.rows.num_rows
        if progress is not None:
            progress(part.done, part.total)
    said, read = reasons(rejected), sound + len(rejected)
    most, further = said[:MOST_REASONS], len(said[MOST_REASONS:])
    return IngestResult(name, read, done.rows, done.duplicates, len(rejected), rejects, most, further)
