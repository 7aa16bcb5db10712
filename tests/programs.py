"""A program under test: started with its own process group, which ends with the block."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def started(
    command: list[str], environment: Mapping[str, str], log: Path, cwd: Path = ROOT
) -> Iterator[subprocess.Popen]:
    """The running program; what it says goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        process = subprocess.Popen(
            command, env=environment, cwd=cwd, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, 15)
        process.wait(15)
    except ProcessLookupError:  # the test ended it
        return
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
