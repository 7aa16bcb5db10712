"""One locked chDB connection: statements in, bytes out."""

import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features.engine.statement import Insert, answers, first_word, last_format, split_insert

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.]*$")
_CODE = re.compile(r"Code: (\d+)\. ")
_KEPT_BY_A_SESSION = frozenset({"SET", "USE"})
_NOT_IMPLEMENTED = 48
_TOO_MANY_QUERIES = 202
_UNKNOWN_SETTING = 115


class Refused(Exception):  # not a features error: it never leaves this process
    """The engine refused a statement; the code and text are ClickHouse's."""

    def __init__(self, text: str) -> None:
        start = text.find("Code: ")
        self.text = text[start:].strip() if start >= 0 else f"Code: 1001. DB::Exception: {text.strip()}"
        match = _CODE.search(self.text)
        self.code = int(match[1]) if match else 1001
        super().__init__(self.text)


def refused(code: int, text: str) -> Refused:
    """A refusal of our own, worded like the engine's."""
    return Refused(f"Code: {code}. DB::Exception: {text}")


@dataclass(frozen=True)
class Answer:
    """What a statement gave."""

    body: bytes
    format: str | None
    summary: dict[str, str] = field(default_factory=dict)


class Database:
    """The engine behind one lock; sessions are not kept apart.

    Args:
        path: Folder of the database; no other process may have it open.
        wait_s: Longest wait for a turn, in seconds.
    """

    def __init__(self, path: Path, wait_s: float = 300.0) -> None:
        os.environ["TZ"] = "UTC"  # days and times without a zone are UTC, whatever the machine thinks
        time.tzset()
        import chdb

        self._lock = threading.Lock()
        self._wait_s = wait_s
        self._connection: Any = chdb.connect(str(path))
        self._database = "default"

    def run(
        self,
        body: bytes,
        params: Mapping[str, str],
        settings: Mapping[str, str],
        database: str = "default",
        default_format: str = "TabSeparated",
    ) -> Answer:
        """Run one statement, with the bytes that follow it where it inserts.

        Raises:
            Refused: The engine said no, or no turn came in time.
        """
        insert = split_insert(body)
        with self._turn(), self._context(database, settings):
            if insert is not None:
                return self._insert(insert)
            return self._query(body, params, default_format)

    def close(self) -> None:
        """Wait for the statement that runs, then close the files."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=self._wait_s):
            text = f"No turn in {self._wait_s:g} s: the embedded engine runs one query at a time"
            raise refused(_TOO_MANY_QUERIES, text)
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _context(self, database: str, settings: Mapping[str, str]) -> Iterator[None]:
        if database != self._database:
            self._ask(f"USE {_name(database)}")
            self._database = database
        if not settings:
            yield
            return
        pairs = ", ".join(f"{_name(key, _UNKNOWN_SETTING)} = {_quoted(value)}" for key, value in settings.items())
        try:
            self._ask(f"SET {pairs}")
            yield
        finally:
            for key in settings:
                with suppress(Refused):  # an unknown one was refused above, and was never set
                    self._ask(f"SET {key} = DEFAULT")

    def _query(self, body: bytes, params: Mapping[str, str], default_format: str) -> Answer:
        if first_word(body) in _KEPT_BY_A_SESSION:
            raise refused(_NOT_IMPLEMENTED, "Sessions are not kept: send settings and database with each query")
        sql = body.decode("utf-8", errors="surrogateescape")
        result = self._ask(sql, default_format, params)
        data = result.bytes() if len(result) else b""
        shape = (last_format(sql) or default_format) if answers(body) else None
        return Answer(data, shape, _summary(result))

    def _insert(self, insert: Insert) -> Answer:
        try:
            with self._connection.send_insert(insert.head, insert.format) as stream:
                stream.append(insert.data)
                done = stream.finish()
        except RuntimeError as exc:
            raise Refused(str(exc)) from None
        return Answer(b"", None, {"written_rows": str(done.rows_written), "written_bytes": str(done.bytes_written)})

    def _ask(self, sql: str, shape: str = "TabSeparated", params: Mapping[str, str] | None = None) -> Any:
        try:
            return self._connection.query(sql, shape, params=dict(params or {}))
        except RuntimeError as exc:
            raise Refused(str(exc)) from None


def _name(text: str, code: int = 81) -> str:
    if not _NAME.match(text):
        raise refused(code, f"{text!r} is not a name")
    return text


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _summary(result: Any) -> dict[str, str]:
    return {
        "read_rows": str(result.storage_rows_read()),
        "read_bytes": str(result.storage_bytes_read()),
        "written_rows": str(result.rows_written()) if hasattr(result, "rows_written") else "0",
        "result_rows": str(result.rows_read()),
        "elapsed_ns": str(int(result.elapsed() * 1e9)),
    }
