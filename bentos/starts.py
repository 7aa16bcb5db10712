"""When each supervised program was started: the supervisor forgets how often it had to."""

import time
from pathlib import Path

from base.home import home

WINDOW_S = 60.0
LOOP = 3
"""As many restarts within the window are told as a loop."""
_KEPT = 20


def note(name: str) -> None:
    """Write down that a program starts now."""
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [*_read(path)[1 - _KEPT :], time.time()]
    path.write_text("".join(f"{at:.3f}\n" for at in lines))


def forget(name: str) -> None:
    """Begin anew: somebody starts the program on purpose."""
    _path(name).unlink(missing_ok=True)


def restarts(name: str) -> int:
    """How often a program was started again within the last minute."""
    now = time.time()
    return max(sum(-1 < now - at < WINDOW_S for at in _read(_path(name))) - 1, 0)


def _path(name: str) -> Path:
    return home("run", "starts", name)


def _read(path: Path) -> list[float]:
    try:
        return [float(line) for line in path.read_text().splitlines()]
    except (FileNotFoundError, ValueError):
        return []
