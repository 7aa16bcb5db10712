"""Turns: of those who would add rows to a table one at a time looks what it has and adds what is new.

A turn is a row of the table `turns`, inserted under a token that all who want the same turn share: one of these inserts
takes effect, on a server of its own and among replicas alike. A turn ends when its writer says so, or when the writer
is gone and none of its statements runs any more.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features import writers
from features.errors import FeaturesError, StoreBusy, StoreUnreachable
from features.sql import query

if TYPE_CHECKING:
    from features.store import Store

_TAKEN, _LEFT, _OVER, _STEPS = 0, 1, 2, 4
_PAUSES_S = (0.01, 0.25)


@dataclass(frozen=True)
class Step:
    """How far the turns at a table are: the last row of its name."""

    number: int
    writer: str
    age_s: float

    @property
    def state(self) -> int:
        """Taken, left or over."""
        return self.number % _STEPS

    @property
    def next_turn(self) -> int:
        """The step that takes the turn after this one."""
        return self.number - self.state + _STEPS


@contextmanager
def turn(store: "Store", table: str, wait_s: float = writers.LEASE_S) -> Iterator[str]:
    """Have a table to oneself, among those who take turns at it.

    Args:
        store: Where the table is.
        table: Its name.
        wait_s: Longest wait for the turn, in seconds.

    Yields:
        A name of the turn that no other has: the token, and the id, of the one statement that writes.

    Raises:
        StoreBusy: Another writer has the turn for longer than that; the message says who.
    """
    with writers.one() as writer:
        step = _take(store, table, writer, wait_s)
        left = _OVER
        try:
            yield _name(table, step)
        except StoreUnreachable:
            left = _LEFT  # what was sent may go on where no answer came from
            raise
        finally:
            with suppress(FeaturesError):  # the next writer finds out
                _note(store, table, step + left, writer)


def _take(store: "Store", table: str, writer: str, wait_s: float) -> int:
    until, pause = time.monotonic() + wait_s, _PAUSES_S[0]
    while True:
        last = _last(store, table)
        if last.writer == writer and last.state == _TAKEN:
            return last.number
        if _is_free(store, table, last):
            _note(store, table, last.next_turn, writer)
        elif time.monotonic() > until:
            raise StoreBusy(
                f"{table} is written to by {last.writer} since {last.age_s:.0f} s: wait, or end that writer"
            )
        else:
            time.sleep(pause)
            pause = min(pause * 1.5, _PAUSES_S[1])


def _last(store: "Store", table: str) -> Step:
    rows = store.arrow(query("last_turn"), {"name": table}).to_pylist()
    if not rows:  # of a table of somebody else's, written to for the first time
        return Step(int(time.time() * 1000) * _STEPS + _OVER, "", 0.0)
    return Step(rows[0]["step"], rows[0]["writer"], rows[0]["age_s"])


def _note(store: "Store", table: str, step: int, writer: str) -> None:
    token = {"insert_deduplication_token": _name(table, step)}
    store.command(query("note_turn"), {"name": table, "step": step, "writer": writer}, token)


def _is_free(store: "Store", table: str, last: Step) -> bool:
    if last.state == _OVER:
        return True
    if last.state == _TAKEN and writers.lives(last.writer, last.age_s):
        return False
    written_by = {"query_id": _name(table, last.number - last.state)}
    return not store.arrow(store.everywhere("running_statements"), written_by)["n"][0].as_py()


def _name(table: str, step: int) -> str:
    return f"{table}-{step}"
