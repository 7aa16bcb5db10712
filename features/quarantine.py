"""Rows that break a contract, moved out of the way and back: nothing is thrown away, and each move has a record."""

import io
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from base.files import write_whole
from features.broken_rows import Broken, find
from features.errors import BadInput
from features.kinds import judged
from features.rules import Limits
from features.settings import StorageSettings
from features.sql import query, statements
from features.store import Store
from features.turns import turn


@dataclass(frozen=True)
class Record:
    """One move: what went, why and when, and whether it is out or back; one still `written` was broken off."""

    id: str
    kind: str
    at: str
    rows: int
    rules: list[dict[str, Any]]
    file: str
    state: Literal["written", "moved", "back"] = "written"
    back_at: str | None = None


def move(
    store: Store, kind: str, storage: StorageSettings, limits: Limits | None = None, now: datetime | None = None
) -> list[Record]:
    """Move the rows that break the contract into a file, after going on with what was broken off.

    The rows are in the file, and the file on the disk, before they leave the table.

    Returns:
        What was moved now; nothing where no row breaks a rule.
    """
    kind = judged(kind).name
    done = [_take_out(store, record, storage) for record in records(storage, kind) if record.state == "written"]
    broken = find(store, kind, storage, limits, now)
    if broken:
        done.append(_take_out(store, _write(store, kind, broken, storage), storage))
    return done


def put_back(store: Store, kind: str, storage: StorageSettings, record_id: str | None = None) -> list[Record]:
    """Put the rows of one move, or of all moves of a kind, back into their table, each once.

    Raises:
        BadInput: No move has that id.
    """
    chosen = records(storage, kind)
    if record_id is not None:
        chosen = [record for record in chosen if record.id == record_id]
        if not chosen:
            raise BadInput(f"no quarantine {record_id!r} of {kind} in {storage.quarantine}")
    return [_back(store, record, storage) for record in chosen if record.state != "back"]


def records(storage: StorageSettings, kind: str) -> list[Record]:
    """Every move of a kind, oldest first."""
    found = [Record(**json.loads(path.read_text())) for path in sorted(storage.quarantine.glob("*.json"))]
    return [record for record in found if record.kind == judged(kind).name]


def _write(store: Store, kind: str, broken: list[Broken], storage: StorageSettings) -> Record:
    """The rows in a file of their own, and its record, both flushed to the disk."""
    ids = sorted({event_id for each in broken for event_id in each.event_ids})
    rows = store.arrow(query("rows_of_events"), {"table": judged(kind).table}, pa.table({"event_id": ids}))
    now = datetime.now(UTC)
    name = f"{kind}-{now:%Y%m%dT%H%M%S}-{sha256(' '.join(ids).encode()).hexdigest()[:8]}"
    path = storage.quarantine / f"{name}.parquet"
    content = io.BytesIO()
    pq.write_table(rows, content, compression="zstd")
    write_whole(path, content.getvalue())
    record = Record(name, kind, now.isoformat(), rows.num_rows, [each.said() for each in broken], str(path))
    return _keep(record, storage)


def _take_out(store: Store, record: Record, storage: StorageSettings) -> Record:
    """Delete the rows of a file from their table; done again, it changes nothing."""
    kind, rows = judged(record.kind), _read(record, storage)
    with turn(store, kind.table):  # nobody adds to what is summed
        store.delete(kind.table, rows["event_id"].to_pylist())
        if kind.open().summed:
            _recompute(store, rows)
    return _keep(replace(record, state="moved"), storage)


def _back(store: Store, record: Record, storage: StorageSettings) -> Record:
    store.insert(judged(record.kind).table, _read(record, storage))
    return _keep(replace(record, state="back", back_at=datetime.now(UTC).isoformat()), storage)


def _recompute(store: Store, rows: pa.Table) -> None:
    """Sum the days of these rows anew."""
    days = {"days": [day.isoformat() for day in rows["event_time"].cast(pa.date32()).unique().to_pylist()]}
    for statement in statements(query("recompute_product_stats")):
        store.define(statement, days)


def _read(record: Record, storage: StorageSettings) -> pa.Table:
    return pq.read_table(storage.quarantine / Path(record.file).name)


def _keep(record: Record, storage: StorageSettings) -> Record:
    write_whole(storage.quarantine / f"{record.id}.json", json.dumps(asdict(record), indent=2).encode())
    return record
