"""Load files into ClickHouse: one that is named, or all that wait in the inbox."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from features.ingest import KINDS, IngestResult
from features.ingest import ingest as load
from features.settings import StorageSettings
from features.store import Store
from flows import ports
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.progress import part
from flows.settings import TrainingSettings
from flows.training import WORLD


def _rows_told(kind: str) -> Callable[[int, int], None]:
    report = part(0.0, 1.0)
    return lambda done, total: report(done / max(total, 1), f"{kind}: {done:,} of {total:,} rows")


@task(**WORLD)
def load_file(store: Store, storage: StorageSettings, kind: str, path: Path, shift_weeks: int = 0) -> IngestResult:
    """Load one file; loading it again changes nothing, so another try is safe."""
    return load(store, kind, path, storage, shift_weeks, _rows_told(kind))


@task(cache_policy=NO_CACHE, persist_result=False)
def empty_inbox(store: Store, storage: StorageSettings, inbox: Path) -> list[IngestResult]:
    """Load every file under `inbox/KIND/` and move it to `inbox/done/KIND/`."""
    waiting = [(kind, path) for kind in KINDS for path in sorted((inbox / kind).glob("*")) if path.is_file()]
    results = []
    for kind, path in waiting:
        results.append(load_file(store, storage, kind, path))
        done = inbox / "done" / kind
        done.mkdir(parents=True, exist_ok=True)
        shutil.move(path, done / path.name)
    return results


@flow(name="ingest", validate_parameters=True, **ALERTING)
def ingest(kind: str | None = None, path: str | None = None, shift_weeks: int = 0) -> dict[str, Any]:
    """Load the file or folder `path` as `kind`; without a path, all that waits in the inbox.

    Rows that break a rule of their kind go to a file beside their reasons; the others are loaded once, however often
    the flow runs. `shift_weeks` moves every date by so many weeks.
    """
    with one_at_a_time("ingest"):
        store, storage = ports.connect_store()
        if path is None:
            results = empty_inbox(store, storage, TrainingSettings().inbox)
        else:
            results = [load_file(store, storage, kind or "purchases", Path(path), shift_weeks)]
    return {"files": [asdict(result) | {"rejects_path": _text(result.rejects_path)} for result in results]}


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
