"""Free ports for servers under test.

Asking the system for port 0 gives one of the range that outgoing connections take theirs from, so that it may be gone
before a server that starts slowly listens on it. These come from below that range; each test process has a part of its
own and gives out none twice.
"""

import itertools
import os
import socket

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = itertools.cycle(range(20_000 + 2_000 * (_WORKER % 6), 22_000 + 2_000 * (_WORKER % 6)))


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    for port in itertools.islice(_PORTS, 2_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port between 20000 and 32000")
