"""A port passes from the process that holds it to the one that takes it over, without a caller noticing.

The holder waits on a unix socket in a private folder. The next one connects, gets a copy of the listening socket,
accepts on it, and says so; only then the holder stops accepting. The queue of new connections belongs to the socket,
not to a process, so that none is lost; where one of the two dies in between, the other goes on.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from base.files import put

BACKLOG = 2048
_TAKEN = b"taken"
_PATIENCE_S = 5.0
"""Longest wait for the other side: both are on this machine and have nothing else to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on a port.

    Raises:
        OSError: Another process holds the port.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class Offer:
    """A listening socket that somebody else offers; it is theirs until `accept`."""

    def __init__(self, path: Path) -> None:
        """Ask the holder that waits at `path`.

        Raises:
            OSError: Nobody waits there, or whoever does gives nothing.
        """
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(_PATIENCE_S)
        try:
            self._connection.connect(str(path))
            _, handles, *_ = socket.recv_fds(self._connection, 16, 1)
            if not handles:
                raise ConnectionAbortedError(f"{path} gave no socket")
        except OSError:
            self._connection.close()
            raise
        self.listener = socket.socket(fileno=handles[0])

    def accept(self) -> None:
        """Say that this process accepts connections now; the other one stops."""
        self._connection.sendall(_TAKEN)
        self.close()

    def close(self) -> None:
        """Leave the port with its holder, unless it was accepted."""
        self._connection.close()


class Holder:
    """Waits, in a thread, for whoever takes the port over.

    Args:
        path: Where it waits; an earlier holder's place there is taken in one step.
        listener: The socket that it gives.
        taken: Called, in that thread, once another process accepts on it.
    """

    def __init__(self, path: Path, listener: socket.socket, taken: Callable[[], object]) -> None:
        self._listener, self._taken = listener, taken
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(draft))
        self._door.listen()
        put(draft, path)
        threading.Thread(target=self._wait, name="takeover", daemon=True).start()

    def _wait(self) -> None:
        with self._door:
            while not self._given():
                continue
        self._taken()

    def _given(self) -> bool:
        """Give the socket to one that asks; whether that one said that it accepts."""
        connection, _ = self._door.accept()
        connection.settimeout(_PATIENCE_S)
        with connection, contextlib.suppress(OSError):
            socket.send_fds(connection, [b"port"], [self._listener.fileno()])
            return connection.recv(len(_TAKEN)) == _TAKEN
        return False
