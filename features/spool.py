"""Files of predictions that wait for ClickHouse."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from base.files import DiskFull, write_whole
from features.predictions import Prediction

log = logging.getLogger(__name__)


class Spool:
    """Files of predictions that wait; a file is written whole and never appended to."""

    def __init__(self, folder: Path, service: str) -> None:
        self.folder = folder
        self._service = service

    def keep(self, batch: Sequence[Prediction]) -> None:
        """Write predictions to a file of their own; a full disk is told to the log, not to the caller."""
        name = f"{self._service}-{time.time_ns()}-{os.getpid()}-{uuid4().hex[:8]}"
        lines = "".join(prediction.to_line() + "\n" for prediction in batch)
        try:
            write_whole(self.folder / f"{name}.jsonl", lines.encode())
        except (OSError, DiskFull) as exc:
            log.error("%d predictions of %s are lost: %s", len(batch), self._service, exc)

    def holds_any(self) -> bool:
        """Whether something of this service waits."""
        return any(self.folder.glob(f"{self._service}-*.jsonl"))

    def batches(self, rows: int) -> Iterator[tuple[list[Path], list[Prediction]]]:
        """What waits, oldest first: files that hold `rows` predictions together, or all there are."""
        paths: list[Path] = []
        batch: list[Prediction] = []
        for path in sorted(self.folder.glob(f"{self._service}-*.jsonl")):
            lines = path.read_text("utf-8", errors="replace").splitlines()
            paths.append(path)
            batch += [prediction for line in lines if (prediction := _read(line, path))]
            if len(batch) >= rows:
                yield paths, batch
                paths, batch = [], []
        if paths:
            yield paths, batch

    @contextmanager
    def to_itself(self) -> Iterator[bool]:
        """Whether no other process of the service sends what waits here: two at once could store a row twice."""
        with (self.folder / f"{self._service}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the file, or the process
            except BlockingIOError:
                alone = False
            else:
                alone = True
            yield alone


def _read(line: str, path: Path) -> Prediction | None:
    try:
        return Prediction.from_line(line)
    except (ValueError, KeyError, TypeError):
        log.error("%s holds a line that is not a prediction: %.80s", path, line)
        return None
