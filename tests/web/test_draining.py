import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from tests.ports import free_port
from web.draining import DRAINING, Drain, DrainingMiddleware


async def ask(request):
    await asyncio.sleep(float(request.query_params.get("s", 0)))
    return JSONResponse({"port": request.scope["server"][1]})


async def stream(request):
    async def parts():
        for _ in range(5):
            await asyncio.sleep(0.05)
            yield b"x"

    return StreamingResponse(parts())


async def ready(request):
    return JSONResponse({"ready": True})


@contextmanager
def running() -> Iterator[tuple[str, Drain, uvicorn.Server]]:
    """A service under uvicorn, with its drain."""
    drain, port = Drain(), free_port()
    app = Starlette(routes=[Route("/ask", ask), Route("/stream", stream), Route("/readyz", ready)])
    server = uvicorn.Server(
        uvicorn.Config(DrainingMiddleware(app, drain), host="127.0.0.1", port=port, log_level="warning")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}", drain, server
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def service():
    with running() as one:
        yield one


def connections(client: httpx.Client) -> list:
    return client._transport._pool.connections


def test_a_keep_alive_caller_is_answered_and_then_lets_the_connection_go(service):
    base, drain, _ = service
    with httpx.Client(base_url=base) as client:
        assert "connection" not in client.get("/ask").headers
        assert len(connections(client)) == 1
        drain.begin()
        answer = client.get("/ask")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert connections(client) == []
        assert client.get("/ask").status_code == 200


def test_an_answer_that_began_before_is_sent_whole(service):
    base, drain, _ = service
    with httpx.Client(base_url=base) as client, client.stream("GET", "/stream") as answer:
        drain.begin()
        assert b"".join(answer.iter_bytes()) == b"xxxxx"


def test_readiness_says_that_it_drains_and_nothing_else_changes(service):
    base, drain, _ = service
    assert httpx.get(f"{base}/readyz").json() == {"ready": True}
    drain.begin()
    answer = httpx.get(f"{base}/readyz", headers={"X-Request-Id": "r-1"})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert (answer.json()["detail"], answer.json()["request_id"]) == (DRAINING, "r-1")
    assert answer.headers["retry-after"] and answer.headers["x-request-id"] == "r-1"
    assert httpx.get(f"{base}/ask").status_code == 200


def test_whoever_stops_it_sees_when_nobody_is_left(service):
    base, drain, _ = service
    with httpx.Client(base_url=base) as client:
        slow = threading.Thread(target=client.get, args=("/ask?s=0.4",))
        slow.start()
        while not drain.in_flight:
            assert slow.is_alive()
            time.sleep(0.01)
        assert drain.quiet_s() == 0
        slow.join()
        before = drain.quiet_s()
        assert 0 <= before < 5
        assert drain.in_flight == 0 and drain.quiet_s() > before


def test_callers_who_keep_their_connections_lose_nothing_when_the_service_is_emptied_before_it_stops():
    """Sixteen callers; each moves to the second service where the first has ended its connection."""
    wrong, moved = [], []
    with running() as (first, drain, server), running() as (second, _, _):

        def call() -> None:
            with httpx.Client() as client:
                base, told = first, 0
                while told < 20:
                    answer = client.get(f"{base}/ask?s=0.002")
                    if answer.status_code != 200:
                        wrong.append(answer.status_code)
                    if answer.headers.get("connection") == "close" and base == first:
                        base = second
                        moved.append(1)
                    told += base == second

        callers = [threading.Thread(target=call) for _ in range(16)]
        for caller in callers:
            caller.start()
        drain.begin()
        while not (len(moved) == 16 and drain.quiet_s() > 0):
            assert any(caller.is_alive() for caller in callers) or len(moved) == 16
            time.sleep(0.01)
        server.should_exit = True
        for caller in callers:
            caller.join(30)
    assert (wrong, len(moved)) == ([], 16)
