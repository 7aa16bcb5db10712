"""The table of what served, in SQLite or Postgres: it takes rows, and lets none be changed or removed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    DDL,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    create_engine,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from rollout.errors import HistoryDamaged, HistoryUnreachable, RolloutError
from rollout.settings import HistorySettings


class Utc(TypeDecorator[datetime]):
    """A moment, as text that sorts by time and that a person can read in any client."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        """As it is stored."""
        return value.astimezone(UTC).isoformat(timespec="microseconds") if value is not None else None

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        """As it is given back."""
        return datetime.fromisoformat(value) if value is not None else None


METADATA = MetaData()
HISTORY = Table(
    "rollout_history",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Utc, nullable=False),
    Column("noted_at", Utc, nullable=False),
    Column("model", String(128), nullable=False),
    Column("event", String(64), nullable=False),
    Column("version", Integer),
    Column("arm", String(32), nullable=False),
    Column("tag", String(256), nullable=False),
    Column("digest", String(128), nullable=False),
    Column("port", Integer),
    Column("before", Integer),
    Column("who", String(256), nullable=False),
    Column("result", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index("rollout_history_by_model", "model", "arm", "id"),
)
TAKEN_OVER = Table(
    "rollout_taken_over",
    METADATA,
    Column("source", String(256), primary_key=True),
    Column("at", Utc, nullable=False),
)
"""What was taken over from earlier versions of the platform, so that it happens once."""

_RULES = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS rollout_history_no_{how} BEFORE {how} ON rollout_history "
        "BEGIN SELECT RAISE(ABORT, 'rows of rollout_history are never changed'); END"
        for how in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION rollout_history_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'rows of rollout_history are never changed'; END $$",
        "CREATE OR REPLACE TRIGGER rollout_history_no_change BEFORE UPDATE OR DELETE ON rollout_history "
        "FOR EACH ROW EXECUTE FUNCTION rollout_history_refuse()",
    ],
}
"""What makes the database itself refuse changes."""


def statements(dialect: str) -> list[DDLElement]:
    """What makes the tables where they are missing, two processes at once included."""
    tables = [CreateTable(table, if_not_exists=True) for table in METADATA.sorted_tables]
    indexes = [CreateIndex(index, if_not_exists=True) for index in HISTORY.indexes]
    return [*tables, *indexes, *map(DDL, _RULES[dialect])]


class Database:
    """The tables' database, whose errors are ours.

    Raises:
        HistoryDamaged: The file is no table of what served.
        HistoryUnreachable: The database does not answer.
    """

    def __init__(self, settings: HistorySettings) -> None:
        self.settings = settings
        if not settings.database.get_secret_value():
            settings.file.parent.mkdir(parents=True, exist_ok=True)
        waits = {"timeout": 30} if settings.url.startswith("sqlite") else {}
        self._engine = create_engine(settings.url, connect_args=waits)
        with self.transaction() as connection:
            for statement in statements(self._engine.dialect.name):
                connection.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction: all of it is kept on the disk, or nothing.

        Raises:
            HistoryDamaged: The file is no table of what served.
            HistoryUnreachable: The database did not answer.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as exc:
            raise self._error(exc) from exc

    def _error(self, exc: DBAPIError) -> RolloutError:
        if self.settings.database.get_secret_value() or isinstance(exc, OperationalError):
            return HistoryUnreachable(f"the table of what served does not answer at {self.settings.shown}: {exc.orig}")
        return HistoryDamaged(
            f"{self.settings.file} is no table of what served any more ({exc.orig}); move it away, "
            "and `agro serve MODEL` begins a new one"
        )
