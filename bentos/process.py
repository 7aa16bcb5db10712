"""The process that serves a Bento: BentoML's own application in a uvicorn server that can take a port over.

`python -m bentos.process --listen HOST:PORT`, in a Bento's `src` folder, serves it there. With `--place` it stands in a
place: it answers on a socket of its own from its start, where it can be checked before anybody else can reach it, and
on the place's port once the place's note names it.
"""

import argparse
import asyncio
import logging
import logging.config
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from bentos import takeover
from bentos.places import Place
from web.draining import Drain, DrainingMiddleware

PATIENCE_S = 15.0
"""Longest wait for a port that another program holds."""
IDLE_S = 6.0
"""Longest life of connections left on a port that was handed on: a little more than uvicorn gives an idle one."""
_LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s [%(levelname)s] %(message)s", "datefmt": "%Y-%m-%dT%H:%M:%S%z"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"}},
    "loggers": {"bentoml": {"level": "INFO"}},
    "root": {"handlers": ["out"], "level": "WARNING"},
}


class Process(uvicorn.Server):
    """A server that has its place's port while the place's note names it.

    The port is bound before the model is loaded, where it is ours and free: callers then wait instead of failing.

    Args:
        address: Host and port.
        place: Where it stands; None: the port is its alone.
        program: Its own name there.
    """

    def __init__(self, address: tuple[str, int], place: Place | None, program: str) -> None:
        self.address, self.place, self.program, self.drain = address, place, program, Drain()
        self._port: Any = None
        self._ends = self._patience = float("inf")
        self._listener = _bound(*address) if self._is_ours() else None

    def serve_bento(self, bento: Path, patience_s: int) -> None:
        """Load a Bento and serve it until told to end."""
        app = DrainingMiddleware(application(bento), self.drain)
        super().__init__(
            uvicorn.Config(
                app, lifespan="on", ws="none", log_config=None, access_log=False, server_header=False,
                timeout_graceful_shutdown=patience_s,
            )
        )  # fmt: skip
        self.run()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen: on the socket of its own, and on the port where it is claimed."""
        await super().startup(sockets=[])
        if self.place is not None:
            path = self.place.socket(self.program)
            path.unlink(missing_ok=True)
            self.servers.append(await asyncio.get_running_loop().create_unix_server(self._protocol, str(path)))
        if self._listener is not None:
            await self._open(self._listener)
            self._hold()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: take the port over where the note names this process; end once it is drained."""
        if self._listener is None and self._is_ours():
            await self._take_over()
        return await super().on_tick(counter) or self._is_drained()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, answer what is asked, end."""
        await super().shutdown(sockets)
        if self.place is not None:
            self.place.socket(self.program).unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        return self.place is None or self.place.holder() == self.program

    def _protocol(self) -> asyncio.Protocol:
        """One connection, as uvicorn makes it."""
        kind: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = kind(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def _take_over(self) -> None:
        """Get the port from the process that holds it; where none does, bind it."""
        offer = await asyncio.to_thread(self._offered)
        listener = offer.listener if offer else _bound(*self.address)
        if listener is None:
            self._wait()
            return
        await self._open(listener)
        if offer is not None:
            offer.accept()
        self._hold()

    def _offered(self) -> takeover.Offer | None:
        if self.place is None:
            return None
        try:
            return takeover.Offer(self.place.handover)
        except OSError:
            return None

    def _wait(self) -> None:
        """Another program holds the port: wait a while, then give up."""
        now = time.monotonic()
        self._patience = min(self._patience, now + PATIENCE_S)
        if now >= self._patience:
            sys.exit(f"{self.program} cannot start: port {self.address[1]} is held by another program")

    async def _open(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        self._port = await loop.create_server(self._protocol, sock=listener, backlog=takeover.BACKLOG)
        self.servers.append(self._port)
        self._listener = listener

    def _hold(self) -> None:
        """Wait for the next version of the place."""
        if self.place is not None and self._listener is not None:
            loop = asyncio.get_running_loop()
            takeover.Holder(self.place.handover, self._listener, partial(loop.call_soon_threadsafe, self._let_go))

    def _let_go(self) -> None:
        """Another process accepts: answer what is under way, send callers on, end."""
        self._port.close()
        if self._listener is not None:
            self._listener.close()
        self.drain.begin()
        self._ends = time.monotonic() + IDLE_S

    def _is_drained(self) -> bool:
        return self.drain.active and (not self.server_state.connections or time.monotonic() > self._ends)


def _bound(host: str, port: int) -> socket.socket | None:
    """A listening socket; None where another process has the port."""
    try:
        return takeover.bind(host, port)
    except OSError:
        return None


def application(bento: Path) -> Any:
    """BentoML's ASGI application of a built Bento, set up as its own worker does."""
    import bentoml
    from bentoml._internal.configuration.containers import BentoMLContainer
    from bentoml._internal.server.metrics.prometheus import PrometheusClient

    BentoMLContainer.metrics_client.set(PrometheusClient(multiproc=False))  # in memory: there is one process
    service = bentoml.load(str(bento))
    context = bentoml.server_context
    context.service_type, context.service_name = "entry_service", service.name
    context.bento_name, context.bento_version = service.bento.tag.name, service.bento.tag.version
    return service.to_asgi(is_main=True)


def main(arguments: list[str]) -> None:
    """Serve the Bento whose `src` folder this is."""
    asked = _asked(arguments)
    logging.config.dictConfig(_LOG)
    host, _, port = asked.listen.rpartition(":")
    place = Place(Path(asked.place), asked.service, asked.arm) if asked.place else None
    Process((host, int(port)), place, asked.program).serve_bento(Path.cwd().parent, asked.patience)


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bentos.process", description="Serve the Bento whose src folder this is.")
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--place", metavar="FOLDER", help="private folder of the places' notes and sockets")
    parser.add_argument("--service", default="")
    parser.add_argument("--arm", default="champion")
    parser.add_argument("--program", default="", help="its own name in the place")
    parser.add_argument("--patience", type=int, default=20, help="seconds that a stop waits for answers under way")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
