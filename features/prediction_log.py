"""The prediction log: every answer served ends up in ClickHouse, and no answer waits for it."""

import atexit
import logging
import queue
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from features.errors import FeaturesError
from features.predictions import Prediction, as_rows
from features.settings import ClickHouseSettings
from features.spool import Spool
from features.store import Store

log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 5.0
_LEFT_ALONE_S = 5.0


class PredictionLog:
    """Takes predictions at once, sends them in batches from a thread of its own.

    What ClickHouse does not take, because it is away or its disk is full, waits in files in
    `spool_dir` and is sent when it is back, between the batches of what is written meanwhile, by
    this process or the next; an id is stored once.

    Args:
        settings: Where ClickHouse is; it need not be there yet.
        service: Name of the service, in the names of spool files.
        spool_dir: Folder for what waits.
        batch_rows: Most predictions sent at a time.
        pause_s: Longest wait for a batch to fill, in seconds.
        waiting_rows: Most predictions kept in memory; what is over goes to the spool.
    """

    def __init__(
        self,
        settings: ClickHouseSettings,
        service: str,
        spool_dir: Path,
        batch_rows: int = 500,
        pause_s: float = 0.5,
        waiting_rows: int = 10_000,
    ) -> None:
        wait_s = min(settings.timeout_s, _LONGEST_WAIT_S)
        self._settings = settings.model_copy(update={"timeout_s": wait_s})
        self._spool = Spool(Path(spool_dir), service)
        self._batch_rows, self._pause_s = batch_rows, pause_s
        self._queue: queue.Queue[Any] = queue.Queue(waiting_rows)
        self._store: Store | None = None
        self._away_until = 0.0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"predictions of {service}", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, prediction: Prediction) -> None:
        """Take a prediction; returns at once."""
        try:
            if self._closed.is_set():
                raise queue.Full
            self._queue.put_nowait(prediction)
        except queue.Full:
            self._spool.keep([prediction])

    def close(self) -> None:
        """Send or spool all that was written; nothing is lost. A second call does nothing."""
        if self._closed.is_set():
            return
        self._away_until = 0.0  # one more try; what then waits is for the next process
        self._closed.set()
        self._thread.join()
        atexit.unregister(self.close)
        self._hang_up()

    def __enter__(self) -> "PredictionLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self) -> None:
        while not (self._closed.is_set() and self._queue.empty()):
            batch = self._batch()
            if batch and not self._send(batch):
                self._spool.keep(batch)
            elif not self._closed.is_set():
                self._drain()

    def _batch(self) -> list[Prediction]:
        """What came within the pause, or a full batch."""
        batch: list[Prediction] = []
        until = time.monotonic() + self._pause_s
        while len(batch) < self._batch_rows:
            left = 0.0 if self._closed.is_set() else until - time.monotonic()
            try:
                batch.append(self._queue.get(timeout=min(left, 0.05)) if left > 0 else self._queue.get_nowait())
            except queue.Empty:
                if left <= 0:
                    break
        return batch

    def _send(self, batch: Sequence[Prediction]) -> bool:
        """Whether ClickHouse has them now. After a refusal it is left alone for a while."""
        if self._away():
            return False
        try:
            self._store = self._store or Store.connect(self._settings)
            self._store.insert("predictions", as_rows(batch), in_turn=False)
        except Exception as exc:  # whatever it is, the thread lives and the batch is kept
            if not isinstance(exc, FeaturesError):
                log.exception("the prediction log met what it does not know")
            log.warning("%d predictions wait in %s: %s", len(batch), self._spool.folder, exc)
            self._away_until = time.monotonic() + _LEFT_ALONE_S
            self._hang_up()
            return False
        return True

    def _away(self) -> bool:
        return time.monotonic() < self._away_until

    def _hang_up(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _drain(self) -> None:
        """Send what waits in the spool, where ClickHouse takes rows."""
        if self._away() or not self._spool.holds_any():
            return
        try:
            with self._spool.to_itself() as alone:
                if alone:
                    self._send_spooled()
        except OSError as exc:  # whatever the disk says, the thread lives
            log.warning("the spool in %s waits: %s", self._spool.folder, exc)

    def _send_spooled(self) -> None:
        """A batch at a time, until nothing waits or what was written meanwhile fills a batch."""
        for paths, batch in self._spool.batches(self._batch_rows):
            if batch and not self._send(batch):
                return
            for path in paths:
                path.unlink(missing_ok=True)
            if self._closed.is_set() or self._queue.qsize() >= self._batch_rows:
                return
