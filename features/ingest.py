"""Load files and folders: bad rows into a file with reasons, good rows into ClickHouse, each once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features import leaf_folder
from features.descriptions import insert_descriptions
from features.errors import BadInput, UnknownKind
from features.images import ImageStore
from features.reading import Rejected, Source, read_source
from features.rejects import Reason, reasons, write_rejects
from features.rows import CONVERT, Rules
from features.settings import IngestSettings, RetentionSettings, StorageSettings
from features.sql import query
from features.store import Inserted, Store

KINDS = {
    "purchases": "product_events",
    "events": "product_events",
    "items": "items",
    "demand": "daily_demand",
    "leaves": "leaf_images",
}
"""Table by kind of input."""

Progress = Callable[[int, int], None]
"""Is told how many rows are done, and of how many."""

_FILES = {
    "purchases": ("interactions", "purchases", "events"),
    "events": ("interactions", "events"),
    "items": ("items",),
}
_IMAGES_AT_A_TIME = 200


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
    kind: str,
    path: Path | str,
    storage: StorageSettings | None = None,
    shift_weeks: int = 0,
    progress: Progress | None = None,
) -> IngestResult:
    """Load a CSV or Parquet file, a folder that has one, or a folder of leaf photographs.

    Run it twice, or again after it was killed: every good row is in the store once.

    Args:
        store: Where the rows go.
        kind: One of `KINDS`.
        path: The file or folder.
        storage: Where images and rejects go.
        shift_weeks: Whole weeks to add to times, kept with each row; ids do not depend on it.
        progress: Told after each part.

    Raises:
        UnknownKind: There is no such kind.
        BadInput: The file cannot be read at all, or lacks a column.
        DiskFull, StoreUnreachable: What was loaded stays; run it again.
    """
    _known(kind)
    store.sweep()
    storage = storage or StorageSettings()
    if kind == "leaves":
        return _ingest_leaves(store, Path(path), storage, progress)
    found = _file(kind, Path(path))
    try:
        return _ingest_rows(store, kind, read_source(found), storage, shift_weeks, progress)
    except BadInput as exc:
        raise exc if str(found) in str(exc) else BadInput(f"{found}: {exc}") from exc


def ingest_table(
    store: Store,
    kind: str,
    rows: pa.Table,
    storage: StorageSettings | None = None,
    shift_weeks: int = 0,
    progress: Progress | None = None,
) -> IngestResult:
    """Load rows from memory as `ingest` loads those of a file."""
    _known(kind)
    return _ingest_rows(store, kind, Source(rows), storage or StorageSettings(), shift_weeks, progress)


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise UnknownKind(f"{kind!r} is not a kind of input; there are {', '.join(KINDS)}")


def _file(kind: str, path: Path) -> Path:
    """The file itself, or the one of that kind in a folder."""
    if not path.is_dir():
        return path
    for stem in _FILES.get(kind, (kind,)):
        for suffix in (".parquet", ".csv"):
            if (path / f"{stem}{suffix}").is_file():
                return path / f"{stem}{suffix}"
    raise BadInput(f"{path} holds no {_FILES.get(kind, (kind,))[0]}.csv or .parquet")


def _ingest_rows(
    store: Store, kind: str, source: Source, storage: StorageSettings, shift_weeks: int, progress: Progress | None
) -> IngestResult:
    if not 0 <= shift_weeks <= 5000:
        raise BadInput(f"cannot shift by {shift_weeks} weeks: give a number from 0 to 5000")
    settings = IngestSettings()
    converted = CONVERT[kind](source, Rules(shift_weeks, ingest=settings, retention=RetentionSettings()))
    rejects = write_rejects(converted.rejected, storage.rejects, kind, str(source.path or "memory"))
    done = _insert(store, KINDS[kind], converted.rows, settings.chunk_rows, progress)
    said = reasons(converted.rejected)
    return IngestResult(kind, source.read, done.rows, done.duplicates, len(converted.rejected), rejects, said)


def _insert(store: Store, table: str, rows: pa.Table, chunk_rows: int, progress: Progress | None) -> Inserted:
    if table != "product_events":
        done = insert_descriptions(store, table, rows)
        _tell(progress, rows.num_rows, rows.num_rows)
        return done
    done = Inserted(0, 0)
    for start in range(0, rows.num_rows, chunk_rows):
        done += store.insert(table, rows.slice(start, chunk_rows))
        _tell(progress, min(start + chunk_rows, rows.num_rows), rows.num_rows)
    return done


def _ingest_leaves(store: Store, folder: Path, storage: StorageSettings, progress: Progress | None) -> IngestResult:
    paths, settings, images = leaf_folder.photographs(folder), IngestSettings(), ImageStore(storage.images)
    done, rejected = Inserted(0, 0), Rejected.none()
    known = store.arrow(query("leaf_labels"))
    labels = dict(zip(known["image_id"].to_pylist(), known["label"].to_pylist(), strict=True))
    for start in range(0, len(paths), _IMAGES_AT_A_TIME):
        part = paths[start : start + _IMAGES_AT_A_TIME]
        kept = leaf_folder.keep(part, images, settings, folder.name, labels, start + 1)
        done += store.insert("leaf_images", kept.rows)
        rejected += kept.rejected
        _tell(progress, start + len(part), len(paths))
    rejects = write_rejects(rejected, storage.rejects, "leaves", str(folder))
    said = reasons(rejected)
    return IngestResult("leaves", len(paths), done.rows, done.duplicates, len(rejected), rejects, said)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
