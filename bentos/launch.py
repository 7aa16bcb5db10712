"""Starts one supervised program: ends what an earlier life of it left behind, then becomes it.

`python -m bentos.launch NAME HOST:PORT -- COMMAND…` (`-` for a program without a port). Most servers are a parent with
workers; a parent that was killed leaves workers that hold its port, and its replacement would fail for ever. On Linux
the program is also told to stop when its supervisor dies.
"""

import ctypes
import os
import signal
import sys
import time

from base import sockets
from bentos import processes, starts

PORT_PATIENCE_S = 15.0
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Make room, then become the command; 1 where another program holds the port."""
    name, address, _, *command = arguments
    _end_with_parent()
    starts.note(name)
    if left := processes.end(processes.of_program(name)):
        _say(f"ended what an earlier {name} left behind: {', '.join(left)}")
    if address != "-":
        _wait_free(name, *address.rsplit(":", 1))
    os.execvp(command[0], command)  # noqa: S606 - the supervised process is the program itself


def _end_with_parent() -> None:
    """Ask the system for SIGTERM when the supervisor dies."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died in between
        sys.exit(1)


def _wait_free(name: str, host: str, port: str) -> None:
    end = time.monotonic() + PORT_PATIENCE_S
    while not sockets.is_free(host, int(port)):
        if time.monotonic() > end:
            _say(f"{name} cannot start: port {port} on {host} is held by another program")
            sys.exit(1)
        time.sleep(0.1)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
