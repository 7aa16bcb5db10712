"""What serves, what served, and what was chosen to serve: rows that are added, and never changed."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Self

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from rollout import records
from rollout.row import MOVES, STANDS, Row, now
from rollout.settings import HistorySettings
from rollout.table import HISTORY, TAKEN_OVER, Database

_COLUMNS = [column for column in HISTORY.columns if column.name != "id"]


class History:
    """The table of what served."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, settings: HistorySettings | None = None) -> Self:
        """The table of this platform, made where it is missing; older records are taken over once.

        Raises:
            HistoryDamaged: The file is no table of what served.
            HistoryUnreachable: The database does not answer.
        """
        settings = settings or HistorySettings()
        history = cls(Database(settings))
        history.once("deployed", lambda: records.read(settings.records))
        return history

    def append(self, row: Row) -> Row:
        """Write down what happened; it is on the disk when this returns."""
        with self._database.transaction() as connection:
            connection.execute(HISTORY.insert(), [_values(row)])
        return row

    def once(self, source: str, rows: Callable[[], Iterable[Row]]) -> None:
        """Write down what another record knows, once; `rows` is asked for it only then."""
        with self._database.transaction() as connection:
            known = connection.execute(select(TAKEN_OVER.c.source).where(TAKEN_OVER.c.source == source)).first()
        if known is not None:
            return
        try:
            with self._database.transaction() as connection:
                connection.execute(TAKEN_OVER.insert(), [{"source": source, "at": now()}])
                if found := [_values(row) for row in rows()]:
                    connection.execute(HISTORY.insert(), found)
        except IntegrityError:  # another process was quicker
            return

    def rows(self, model: str) -> list[Row]:
        """All that happened to a model, oldest first."""
        return self._select(HISTORY.c.model == model, order=(HISTORY.c.at, HISTORY.c.id))

    def moves(self, model: str) -> list[Row]:
        """What became champion when, oldest first."""
        return self._select(HISTORY.c.model == model, HISTORY.c.event.in_(MOVES), order=(HISTORY.c.at, HISTORY.c.id))

    def serving(self) -> list[Row]:
        """What serves: the last row of each model's arms, where that does not say that it was stopped."""
        last = (
            select(func.max(HISTORY.c.id)).where(HISTORY.c.event.in_(STANDS)).group_by(HISTORY.c.model, HISTORY.c.arm)
        )
        found = self._select(HISTORY.c.id.in_(last), order=(HISTORY.c.model, HISTORY.c.arm))
        return [row for row in found if row.version is not None]

    def current(self, model: str, arm: str = "champion") -> Row | None:
        """What serves as a model's arm; None where nothing does."""
        return next((row for row in self.serving() if (row.model, row.arm) == (model, arm)), None)

    def at(self, model: str, moment: datetime) -> list[Row]:
        """What served as each of a model's arms at a moment with a zone."""
        stood = {row.arm: row for row in self.rows(model) if row.event in STANDS and row.at <= moment}
        return [row for row in stood.values() if row.version is not None]

    def _select(self, *where: Any, order: Iterable[Any]) -> list[Row]:
        with self._database.transaction() as connection:
            found = connection.execute(select(*_COLUMNS).where(*where).order_by(*order))
            return [Row(**row._mapping) for row in found]


def _values(row: Row) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in _COLUMNS}
