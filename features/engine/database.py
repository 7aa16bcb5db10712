"""One locked chDB connection: statements in, bytes out."""

import errno
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features.engine.refusals import Refused, refused
from features.engine.statement import (
    Insert,
    Request,
    Rows,
    answers,
    first_word,
    last_format,
    reaches_out,
    split_insert,
)

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.]*$")
_SETTINGS = re.compile(r"(?is)\bSETTINGS\s+\w+\s*=(?:[^`\"]|\"[^\"]*\")*$")
_ESCAPED = re.compile(rb"(?i)\\|\bfile\b")
_KEPT_BY_A_SESSION = frozenset({"SET", "USE"})
_NOT_IMPLEMENTED = 48
_TOO_MANY_QUERIES = 202
_UNKNOWN_SETTING = 115
_NOT_ENOUGH_SPACE = 243
_READONLY = 164
_ACCESS_DENIED = 497


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
        self._connect: Callable[[], Any] = lambda: chdb.connect(str(path))
        self._connection: Any = self._connect()
        self._database = ""
        self._take_away_default()

    def _take_away_default(self) -> None:
        """Replace chDB's own `default`: it takes the name of a table for a path and reads the file there.

        Whoever names no database is in `system`, where nobody can write. A `default` with tables of an earlier time is
        left as it is.
        """
        if not len(self._ask("SELECT 1 FROM system.tables WHERE database = 'default'").bytes()):
            self._ask("DROP DATABASE IF EXISTS default")
            self._ask("CREATE DATABASE default ENGINE = Memory")  # a new connection asks for one of that name

    def run(self, request: Request) -> Answer:
        """Run one statement, with the bytes that follow it where it inserts.

        Raises:
            Refused: The engine said no, or no turn came in time, or the statement reaches out of the database.
        """
        if request.settings.get("readonly", "0") != "0":  # could not be taken back on the connection that all share
            return self.read(request)
        insert = split_insert(request.statement)
        _stay_inside(insert.head.encode() if insert else request.statement)
        with self._turn(), self._context(request), self._beside(request.rows):
            return self._insert(insert) if insert is not None else self._query(request)

    def read(self, request: Request) -> Answer:
        """Run one statement on a connection that the engine itself holds to reading the database.

        Raises:
            Refused: As `run`; or the statement would write, or read anything else.
        """
        _stay_inside(request.statement)
        if _ESCAPED.search(request.statement):  # the one function that reads files and that `readonly` leaves alone
            raise refused(_READONLY, "No function `file` and no backslash in a query that only reads; use POST")
        with self._turn(), self._reader(request) as connection:
            return self._query(request, connection)

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
    def _context(self, request: Request) -> Iterator[None]:
        if request.database != self._database:
            self._ask(f"USE {_of(request.database)}")
            self._database = request.database
        if not request.settings:
            yield
            return
        try:
            self._ask(f"SET {_pairs(request.settings)}")
            yield
        finally:
            for key in request.settings:
                with suppress(Refused):  # an unknown one was refused above, and was never set
                    self._ask(f"SET {key} = DEFAULT")

    @contextmanager
    def _reader(self, request: Request) -> Iterator[Any]:
        """A connection of its own: `readonly` cannot be taken back, it goes with the connection."""
        connection = self._connect()
        try:
            self._ask(f"USE {_of(request.database)}", connection=connection)
            with self._beside(request.rows, connection):
                self._ask(f"SET {_pairs({**request.settings, 'readonly': '1'})}", connection=connection)
                yield connection
        finally:
            connection.close()

    @contextmanager
    def _beside(self, rows: tuple[Rows, ...], connection: Any | None = None) -> Iterator[None]:
        """Tables of the rows that came with a statement; they go when it is done."""
        try:
            for each in rows:
                create = f"CREATE TEMPORARY TABLE {_name(each.name)} ({each.structure})"
                _stay_inside(create.encode())
                self._ask(create, connection=connection)
                self._insert(Insert(f"INSERT INTO {each.name}", _name(each.format), each.data), connection)
            yield
        finally:
            for each in rows:
                with suppress(Refused):  # a connection that only reads takes its tables with it
                    self._ask(f"DROP TEMPORARY TABLE IF EXISTS {_name(each.name)}", connection=connection)

    def _query(self, request: Request, connection: Any | None = None) -> Answer:
        if first_word(request.statement) in _KEPT_BY_A_SESSION:
            raise refused(_NOT_IMPLEMENTED, "Sessions are not kept: send settings and database with each query")
        sql = request.statement.decode("utf-8", errors="surrogateescape")
        result = self._ask(sql, request.default_format, request.params, connection)
        data = result.bytes() if len(result) else b""
        shape = (last_format(sql) or request.default_format) if answers(request.statement) else None
        return Answer(data, shape, _summary(result))

    def _insert(self, insert: Insert, connection: Any | None = None) -> Answer:
        """Insert from a file: chDB's `send_insert` loses errors of the table it writes to."""
        with _as_file(insert.data) as name:
            result = self._ask(f"{_before_settings(insert.head, name)} FORMAT {insert.format}", connection=connection)
        return Answer(b"", None, _summary(result))

    def _ask(
        self,
        sql: str,
        shape: str = "TabSeparated",
        params: Mapping[str, str] | None = None,
        connection: Any | None = None,
    ) -> Any:
        try:
            return (connection or self._connection).query(sql, shape, params=dict(params or {}))
        except RuntimeError as exc:
            raise Refused(str(exc)) from None


def _stay_inside(sql: bytes) -> None:
    """Refuse what reads or writes files, other servers or programs: nothing of ours needs it."""
    word = reaches_out(sql)
    if word:
        text = f"{word} would reach out of the database; send rows with INSERT, and words as parameters"
        raise refused(_ACCESS_DENIED, text)


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Bytes under a file name that the engine can open: in memory where the system can, else on disk."""
    try:
        if hasattr(os, "memfd_create"):
            with open(os.memfd_create("insert"), "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor
                _write(file, data)
                yield f"/proc/{os.getpid()}/fd/{file.fileno()}"
        else:
            with tempfile.NamedTemporaryFile(suffix=".bin", buffering=0) as file:
                _write(file, data)
                yield file.name
    except OSError as exc:
        raise refused(_NOT_ENOUGH_SPACE if exc.errno == errno.ENOSPC else 1001, str(exc)) from None


def _write(file: Any, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _before_settings(head: str, name: str) -> str:
    """The head of an INSERT with the file it reads, which stands before its settings."""
    match = _SETTINGS.search(head)
    end = match.start() if match else len(head)
    return f"{head[:end].rstrip()} FROM INFILE {_quoted(name)} {head[end:]}"


def _of(database: str) -> str:
    return "system" if database == "default" else _name(database)


def _name(text: str, code: int = 81) -> str:
    if not _NAME.match(text):
        raise refused(code, f"{text!r} is not a name")
    return text


def _pairs(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{_name(key, _UNKNOWN_SETTING)} = {_quoted(value)}" for key, value in settings.items())


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
