"""Small services to stand behind a front, and clients to ask through it."""

import asyncio
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


class Upstream:
    """A service that answers every request with its name and writes down what came, and when."""

    def __init__(self, name: str, port: int, status: int = 200, delay_s: float = 0.0) -> None:
        self.name, self.port, self.status, self.delay_s = name, port, status, delay_s
        self.address = f"127.0.0.1:{port}"
        self.hangs_up = False
        """Whether it reads a request and then closes the connection without an answer."""
        self.came: list[tuple[float, dict[str, str], bytes]] = []

        self.open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")[1:-2]
                headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.came.append((time.monotonic(), headers, body))
                await asyncio.sleep(self.delay_s)
                if self.hangs_up:
                    break
                said = json.dumps({"name": self.name}).encode()
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (self.status, len(said), said))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    @property
    def last(self) -> float:
        """When the last request came, on the monotonic clock."""
        return self.came[-1][0] if self.came else 0.0


@contextmanager
def serving(*upstreams: Upstream) -> Iterator[None]:
    """The services, listening."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start(one: Upstream) -> asyncio.Server:
        return await asyncio.start_server(one.serve, "127.0.0.1", one.port)

    async def stop(server: asyncio.Server, one: Upstream) -> None:
        server.close()
        for writer in [*one.open]:
            writer.close()
            await writer.wait_closed()

    servers = [asyncio.run_coroutine_threadsafe(start(one), loop).result(5) for one in upstreams]
    try:
        yield
    finally:
        for server, one in zip(servers, upstreams, strict=True):
            asyncio.run_coroutine_threadsafe(stop(server, one), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


class Client:
    """One caller with a connection of its own."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def post(self, path: str, body: object = None, **headers: str) -> tuple[int, dict, dict[str, str]]:
        """Status, document and headers of the answer."""
        said = {key.replace("_", "-"): value for key, value in headers.items()}
        text = json.dumps(body if body is not None else {})
        self.connection.request("POST", path, text, {"content-type": "application/json"} | said)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content), {key.lower(): value for key, value in answer.getheaders()}


class Load:
    """Several clients that ask without a pause until they are told to stop."""

    def __init__(self, port: int, path: str, clients: int = 8) -> None:
        self.port, self.path, self.clients = port, path, clients
        self.statuses: Counter[int] = Counter()
        self.names: Counter[str] = Counter()
        self._stop, self._lock = threading.Event(), threading.Lock()

    def __enter__(self) -> "Load":
        self._pool = ThreadPoolExecutor(self.clients)
        self._asked = [self._pool.submit(self._ask) for _ in range(self.clients)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for asked in self._asked:
            asked.result(30)
        self._pool.shutdown()

    def _ask(self) -> None:
        client = Client(self.port)
        while not self._stop.is_set():
            status, said, _ = client.post(self.path, {"user_id": "u"})
            with self._lock:
                self.statuses[status] += 1
                self.names[said.get("name", "nobody")] += 1
