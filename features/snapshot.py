"""A training set as it stood at a time: asked for once, hashed, and kept as a file that lineage can return to."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from base.files import whole, write_whole
from features.disk import room
from features.errors import EmptyTrainingSet, FeaturesError


class SnapshotDamaged(FeaturesError):
    """A snapshot's files are missing, unreadable, or not what was written."""


@dataclass(frozen=True)
class Snapshot:
    """The rows of a training set with everything needed to say where they came from.

    Attributes:
        kind: `interactions`, `catalogue`, `demand` or `leaves`.
        table: The rows in their canonical order.
        query: The SQL text that selected them.
        params: The query's parameters, as text.
        as_of: Only events before this time are in (UTC).
        known_at: Only rows that had arrived by this time are in (UTC).
        content_hash: SHA-256 of the rows, whatever their order in the database.
        path: The Parquet file; its sidecar has the same name with `.json`.
        local: Columns that say where things lie on this machine; kept in the file, left out of the hash.
        extra: What else the kind wants remembered.
    """

    kind: str
    table: pa.Table = field(repr=False, compare=False)
    query: str = field(repr=False)
    params: dict[str, Any]
    as_of: datetime
    known_at: datetime
    content_hash: str
    path: Path | None = None
    local: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows in the training set."""
        return int(self.table.num_rows)

    @property
    def id(self) -> str:
        """SHA-256 of content and origin: two snapshots share it only if a retraining from either is the same."""
        origin = [self.kind, self.content_hash, self.query, self.params, sorted(self.extra.items())]
        return hashlib.sha256(json.dumps(origin, sort_keys=True, default=str).encode()).hexdigest()

    def frame(self) -> pd.DataFrame:
        """The rows as a frame of their own; changing it leaves the snapshot alone."""
        return self.table.to_pandas()

    def lineage(self) -> dict[str, Any]:
        """What a training run logs about its data: plain types only."""
        return {
            "kind": self.kind,
            "query": self.query,
            "params": self.params,
            "as_of": self.as_of.isoformat(),
            "known_at": self.known_at.isoformat(),
            "rows": self.rows,
            "columns": self.table.column_names,
            "content_hash": self.content_hash,
            "path": str(self.path) if self.path else None,
            "local": list(self.local),
            "extra": self.extra,
        }

    @classmethod
    def load(cls, path: Path) -> "Snapshot":
        """Read a snapshot back, and refuse it if its rows are not those that were written.

        Args:
            path: The Parquet file or its sidecar.

        Raises:
            SnapshotDamaged: A file is missing or unreadable, or the rows do not have the recorded hash.
        """
        said = _sidecar(Path(path))
        table = _read(Path(path).with_suffix(".parquet"))
        local = tuple(said["local"])
        found = content_hash(table, local)
        if found != said["content_hash"]:
            raise SnapshotDamaged(
                f"{path}: its rows hash to {found[:12]}, the sidecar says {said['content_hash'][:12]}; "
                "the file was changed after it was written, take the snapshot again"
            )
        return cls(
            kind=said["kind"],
            table=table,
            query=said["query"],
            params=said["params"],
            as_of=datetime.fromisoformat(said["as_of"]),
            known_at=datetime.fromisoformat(said["known_at"]),
            content_hash=found,
            path=Path(path).with_suffix(".parquet"),
            local=local,
            extra=said["extra"],
        )


@dataclass(frozen=True)
class Window:
    """The two times that fix a training set: what had happened, and what had been heard of it.

    >>> Window.of(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)).params()["as_of"]
    '2026-03-01 00:00:00.000'
    """

    as_of: datetime
    known_at: datetime

    @classmethod
    def of(cls, as_of: datetime, known_at: datetime | None = None) -> "Window":
        """The window for these times; `known_at` is now unless given.

        Raises:
            ValueError: A time has no zone: whose midnight it means cannot be known.
        """
        known_at = known_at or datetime.now(UTC)
        for name, value in (("as_of", as_of), ("known_at", known_at)):
            if value.tzinfo is None:
                raise ValueError(f"{name}={value} has no time zone; give it one, for example datetime.now(UTC)")
        return cls(_milliseconds(as_of), _milliseconds(known_at))

    def params(self) -> dict[str, str]:
        """As ClickHouse reads them into DateTime64(3, 'UTC')."""
        return {"as_of": stamp(self.as_of), "known_at": stamp(self.known_at)}


def stamp(moment: datetime) -> str:
    """A time as ClickHouse reads it into DateTime64(3, 'UTC'): UTC, to the millisecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def take(
    kind: str,
    table: pa.Table,
    query: str,
    window: Window,
    *,
    order: Sequence[str],
    local: tuple[str, ...] = (),
    extra: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> Snapshot:
    """Make a snapshot of the rows a query gave, and keep it.

    Args:
        kind: The kind of training set.
        table: The rows, in any order.
        query: The SQL text that gave them.
        window: The times it was asked for.
        order: Columns to sort by first; the others follow, so that the order is complete.
        local: Columns that differ between machines; they are left out of the hash.
        extra: What else to remember.
        folder: Where to keep it; None keeps it in memory only.

    Returns:
        The snapshot, with its path if it was kept.

    Raises:
        EmptyTrainingSet: There are no rows; `freeze` keeps those, too.
        DiskFull: The file does not fit.
    """
    if table.num_rows == 0:
        raise EmptyTrainingSet(
            f"no {kind} with event_time before {stamp(window.as_of)} UTC were known by {stamp(window.known_at)} UTC; "
            f"load some with `agro ingest`, or ask for a later time"
        )
    return freeze(kind, table, query, window, order=order, local=local, extra=extra, folder=folder)


def freeze(
    kind: str,
    table: pa.Table,
    query: str,
    window: Window,
    *,
    order: Sequence[str],
    local: tuple[str, ...] = (),
    extra: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> Snapshot:
    """As `take`, where no rows are an answer too."""
    rows = canonical(table, order)
    params = window.params()
    hashed = content_hash(rows, local)
    snapshot = Snapshot(
        kind, rows, query, dict(params), window.as_of, window.known_at, hashed, local=local, extra=extra or {}
    )
    return _keep(snapshot, folder) if folder else snapshot


def canonical(table: pa.Table, order: Sequence[str]) -> pa.Table:
    """The same rows in the one order that does not depend on how the database gave them.

    Args:
        table: Rows of plain columns.
        order: Columns to sort by first; every other column breaks the ties, in the table's order.

    >>> canonical(pa.table({"a": [2, 1], "b": ["x", "y"]}), ["b"])["a"].to_pylist()
    [2, 1]
    """
    rest = [name for name in table.column_names if name not in order]
    indices = pc.sort_indices(table, [(name, "ascending") for name in (*order, *rest)])
    return table.take(indices).combine_chunks().replace_schema_metadata(None)


def content_hash(table: pa.Table, local: Sequence[str] = ()) -> str:
    """SHA-256 over names, types and values of the columns: not over a file format, which may change with a library.

    Args:
        table: Rows in canonical order; columns of numbers, booleans, times and strings.
        local: Columns to leave out.
    """
    digest = hashlib.sha256()
    for name in table.column_names:
        if name not in local:
            _add_column(digest, name, table[name])
    return digest.hexdigest()


def _add_column(digest: Any, name: str, column: pa.ChunkedArray) -> None:
    digest.update(f"{name}\0{column.type}\0{len(column)}\0".encode())
    digest.update(np.packbits(column.is_null().to_numpy().astype(bool)).tobytes())
    if pa.types.is_string(column.type):
        text = pc.fill_null(column, "")
        digest.update(pc.binary_length(text).to_numpy().astype("<i8").tobytes())
        digest.update(b"".join(_joined(text)))
    else:
        zero = pa.scalar(0, pa.int64()).cast(column.type) if not pa.types.is_boolean(column.type) else pa.scalar(False)
        digest.update(np.ascontiguousarray(pc.fill_null(column, zero).to_numpy()).tobytes())


def _joined(text: pa.ChunkedArray) -> Iterator[bytes]:
    for chunk in text.chunks:
        data = chunk.buffers()[2]
        offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        yield data.to_pybytes()[offsets[0] : offsets[-1]] if data is not None and len(chunk) else b""


def _keep(snapshot: Snapshot, folder: Path) -> Snapshot:
    """Write both files, each in one step, the sidecar last: where it stands, the rows stand."""
    path = folder / f"{snapshot.kind}-{snapshot.id[:12]}.parquet"
    kept = replace(snapshot, path=path)
    with room(folder, "AGRO_STORAGE_SNAPSHOTS"):
        with whole(path) as draft:
            pq.write_table(snapshot.table, draft, compression="zstd")
        write_whole(path.with_suffix(".json"), json.dumps(kept.lineage(), indent=2, default=str).encode())
    return kept


def _sidecar(path: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError) as exc:
        raise SnapshotDamaged(f"{path.with_suffix('.json')} cannot be read: {exc}; take the snapshot again") from exc
    return said


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path).combine_chunks()
    except (OSError, pa.ArrowException) as exc:
        raise SnapshotDamaged(f"{path} cannot be read: {exc}; take the snapshot again") from exc


def _milliseconds(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
