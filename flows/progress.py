"""How a running flow tells whoever started it how far it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from models.families import Progress


def _silent(share: float, doing: str) -> None:
    """Nobody is watching."""


_listener: ContextVar[Progress] = ContextVar("listener", default=_silent)


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
    _listener.get()(share, doing)


def part(start: float, end: float) -> Progress:
    """A reporter for a step that covers the shares from `start` to `end` of the whole."""
    listener = _listener.get()  # bound now: the step may report from another thread
    return lambda share, doing: listener(start + share * (end - start), doing)
