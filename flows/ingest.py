"""Load files into ClickHouse: one that is named, or all that wait in the inbox."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from base import files
from features import inbox
from features.errors import FeaturesError, StoreUnreachable
from features.inbox import Item
from features.ingest import IngestResult
from features.ingest import ingest as load
from features.kinds import OWN
from features.settings import IngestSettings, StorageSettings
from features.store import Store
from flows import ports
from flows.failures import ALERTING
from flows.locks import one_at_a_time
from flows.progress import part
from flows.retries import WORLD
from flows.settings import TrainingSettings
from monitoring import notice
from monitoring.errors import MailError
from monitoring.outbox import Outbox
from monitoring.settings import MailSettings

log = logging.getLogger(__name__)

_THE_WORLDS = (StoreUnreachable, files.DiskFull)
"""Faults of no file: the run ends, and another one tries the same files again."""


@dataclass(frozen=True)
class Trouble:
    """Something of the inbox that people have to hear of: `refused` whole, or loaded with many rows rejected."""

    item: Item
    reason: str
    refused: bool


def _rows_told(kind: str) -> Callable[[int, int], None]:
    report = part(0.0, 1.0)
    return lambda done, total: report(done / max(total, 1), f"{kind}: {done:,} of {total:,} rows")


@task(**WORLD)
def load_file(store: Store, storage: StorageSettings, kind: str, path: Path, shift_weeks: int = 0) -> IngestResult:
    """Load one file; loading it again changes nothing, so another try is safe."""
    return load(store, kind, path, storage, shift_weeks, _rows_told(kind))


@task(cache_policy=NO_CACHE, persist_result=False)
def empty_inbox(store: Store, storage: StorageSettings, settings: TrainingSettings) -> dict[str, Any]:
    """Load all that waits whole under `inbox/KIND/` and move it to `inbox/done/KIND/`; a bad file stops no other one.

    What people have to hear of moves last, when its mail is in the outbox: a run that is killed before tries it again.
    """
    results, troubles = [], []
    for item in inbox.waiting(settings.inbox, partial(time.sleep, settings.inbox_settle_s)):
        result, trouble = _load_item(store, storage, item)
        results += [result] if result else []
        troubles += [trouble] if trouble else []
        if trouble is None and item.unchanged:
            inbox.done(settings.inbox, item)
    outbox = Outbox(MailSettings())
    if troubles:
        outbox.put(_letter(troubles))
    refused = [_moved(settings.inbox, trouble) for trouble in troubles]
    return {"files": list(map(_plain, results)), "refused": [row for row in refused if row], "mail": _send(outbox)}


def _load_item(store: Store, storage: StorageSettings, item: Item) -> tuple[IngestResult | None, Trouble | None]:
    if item.wrong:
        return None, Trouble(item, item.wrong, refused=True)
    try:
        result = load_file(store, storage, item.kind, item.path)
    except _THE_WORLDS:
        raise
    except FeaturesError as exc:
        return None, Trouble(item, str(exc), refused=True)
    except Exception as exc:  # whatever it is: the files after this one are to be loaded
        log.exception("%s cannot be loaded", item)
        return None, Trouble(item, f"a fault of ours: {type(exc).__name__}: {exc}", refused=True)
    said = result.too_many_rejected(IngestSettings().max_rejected)
    return result, Trouble(item, said, refused=False) if said else None


def _letter(troubles: Sequence[Trouble]) -> Any:
    refused = sum(trouble.refused for trouble in troubles)
    subject = f"inbox: {refused} refused, {len(troubles) - refused} loaded with many rows rejected"
    fate = {True: "was refused", False: "was loaded"}
    lines = [f"- {trouble.item} {fate[trouble.refused]}: {trouble.reason}" for trouble in troubles]
    end = "Refused files lie in inbox/refused with their reasons: mend them and put them into inbox/KIND again."
    key = repr([(str(trouble.item), trouble.item.signature) for trouble in troubles])
    return notice.compose(subject, [*lines, "", end], MailSettings(), key)


def _moved(folder: Path, trouble: Trouble) -> dict[str, str] | None:
    if not trouble.refused:
        inbox.done(folder, trouble.item)
        return None
    path = inbox.refuse(folder, trouble.item, trouble.reason)
    return {"kind": trouble.item.kind, "path": str(path), "reason": trouble.reason}


def _send(outbox: Outbox) -> str:
    """Send what waits, and say what became of it: a mail server that is away keeps no file from being loaded."""
    try:
        return f"{len(outbox.send().sent)} sent"
    except MailError as exc:
        log.warning("%s", exc)
        return str(exc)


def _plain(result: IngestResult) -> dict[str, Any]:
    return asdict(result) | {"rejects_path": None if result.rejects_path is None else str(result.rejects_path)}


@flow(name="ingest", validate_parameters=True, **ALERTING)
def ingest(kind: str | None = None, path: str | None = None, shift_weeks: int = 0) -> dict[str, Any]:
    """Load the file or folder `path` as `kind`; without a path, all that waits in the inbox.

    Rows that break a rule of their kind go to a file beside their reasons; the others are loaded once, however often
    the flow runs. `shift_weeks` moves every date by so many weeks. What the inbox held and could not be loaded is set
    aside, mailed and listed as `refused`; the run is complete all the same, since it did all that a run can do.
    """
    with one_at_a_time("ingest"):
        store, storage = ports.connect_store()
        if path is None:
            return empty_inbox(store, storage, TrainingSettings())
        return {"files": [_plain(load_file(store, storage, kind or OWN[0].input, Path(path), shift_weeks))]}
