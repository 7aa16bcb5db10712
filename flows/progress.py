"""How a running flow tells how far it is: whoever started it by a bar, and everybody else by the run's log."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from models.family import Progress

LOG_EVERY_S = 30.0
"""A step that takes long has a line in the log so often; one that begins has one at once."""
_NUMBER = re.compile(r"\d[\d.,]*")


def _silent(share: float, doing: str) -> None:
    """Nobody is watching."""


_listener: ContextVar[Progress] = ContextVar("listener", default=_silent)


@dataclass
class Told:
    """What a run's log was told last, so that a step has one line: what differs in its numbers alone is the same."""

    step: str = ""
    at: float = 0.0

    def is_new(self, doing: str) -> bool:
        """Whether this is worth a line."""
        step, now = _NUMBER.sub("#", doing), time.monotonic()
        if step == self.step and now - self.at < LOG_EVERY_S:
            return False
        self.step, self.at = step, now
        return True


_told: dict[str, Told] = {}


def _log_of_the_run() -> Progress:
    """The log of the run that this is called in; silence outside of one."""
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger
    from prefect.runtime import flow_run

    try:
        logger = get_run_logger()
    except MissingContextError:
        return _silent
    told = _told.setdefault(str(flow_run.id), Told())

    def write(share: float, doing: str) -> None:
        if told.is_new(doing):
            logger.info("%3.0f %%  %s", 100 * share, doing)

    return write


@contextmanager
def listening(listener: Progress) -> Iterator[None]:
    """Within this block, `tell` reaches `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(share: float, doing: str) -> None:
    """Report the share done, 0 to 1, and what is being done."""
    part(0.0, 1.0)(share, doing)


def part(start: float, end: float) -> Progress:
    """A reporter for a step that covers the shares from `start` to `end` of the whole."""
    listener, log = _listener.get(), _log_of_the_run()  # bound now: the step may report from another thread

    def report(share: float, doing: str) -> None:
        for told in (listener, log):
            told(start + share * (end - start), doing)

    return report
