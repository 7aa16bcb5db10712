import asyncio
import json
import logging

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router
from starlette.testclient import TestClient

from web.middleware import ServiceMiddleware
from web.request_ids import outgoing
from web.settings import HttpSettings

ROUTE = "/ask"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Settings(HttpSettings):
    model_config = HttpSettings.model_config | {"env_prefix": "AGRO_TEST_"}


async def ask(request: Request):
    body = json.loads(await request.body() or "{}")
    if body.get("fail"):
        raise RuntimeError("the secret is swordfish")
    return JSONResponse({"outgoing": outgoing(), "traceparent": request.headers.get("traceparent")})


async def foreign(request):
    return JSONResponse({"error": "inner words"}, int(request.query_params["status"]), {"WWW-Authenticate": "Bearer"})


async def ready():
    return {"ready": True}


def dressed(**settings):
    app = Router(routes=[Route(ROUTE, ask, methods=["POST"]), Route("/metrics", foreign)])
    return ServiceMiddleware(app, Settings(**settings), ready, ["/metrics"])


def client(**settings):
    return TestClient(dressed(**settings), "http://127.0.0.1", raise_server_exceptions=False)


def messages(receive, headers=(), **settings):
    """What is sent for a POST whose body comes from `receive`."""
    sent = []
    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "POST", "path": ROUTE, "headers": raw, "query_string": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(dressed(**settings)(scope, receive, send))
    return sent


@pytest.mark.parametrize("strange", ["", "a b", "x" * 129, "<script>", "a;b"])
def test_a_request_id_that_is_no_plain_token_is_replaced(strange):
    assert len(client().post(ROUTE, headers={"X-Request-Id": strange}).headers["x-request-id"]) == 36


def test_a_trace_is_kept_for_the_route_and_for_what_it_calls():
    answer = client().post(ROUTE, headers={"traceparent": TRACE, "X-Request-Id": "order-7"}).json()
    assert answer == {"traceparent": TRACE, "outgoing": {"X-Request-Id": "order-7", "traceparent": TRACE}}


@pytest.mark.parametrize("none", ["x", TRACE.upper(), TRACE[:-3], "ff" + TRACE[2:], f"00-{'0' * 32}-{'1' * 16}-01"])
def test_what_is_no_trace_is_not_handed_on(none):
    assert "traceparent" not in client().post(ROUTE, headers={"traceparent": none}).json()["outgoing"]


def test_a_fault_is_in_the_log_under_its_id_and_nowhere_else(caplog):
    """Guards P31."""
    with caplog.at_level(logging.ERROR):
        answer = client().post(ROUTE, json={"fail": True})
    assert answer.status_code == 500 and "swordfish" not in answer.text and "Traceback" not in answer.text
    assert answer.json()["request_id"] in caplog.text and "the secret is swordfish" in caplog.text


@pytest.mark.parametrize(
    ("came", "told"),
    [(400, 422), (401, 401), (404, 404), (405, 405), (429, 429), (500, 500), (501, 500), (504, 503), (418, 418)],
)
def test_an_error_of_the_layers_behind_is_retold_as_a_problem(came, told):
    """Guards P31."""
    answer = client().get(f"/metrics?status={came}")
    assert (answer.status_code, answer.headers["content-type"]) == (told, "application/problem+json")
    assert "inner words" not in answer.text
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_declared_length_over_the_limit_is_413_before_a_byte_is_read():
    """Guards P32."""

    async def never_called():
        raise AssertionError("the body was read")

    assert messages(never_called, [("content-length", "999999999")], max_body_bytes=1000)[0]["status"] == 413


def test_a_chunked_body_is_413_as_soon_as_it_passes_the_limit():
    """Guards P32."""
    given = []

    async def endless():
        given.append(1)
        return {"type": "http.request", "body": b" " * 400, "more_body": True}

    assert messages(endless, max_body_bytes=1000)[0]["status"] == 413
    assert len(given) == 3


def test_a_form_may_be_as_large_as_an_upload():
    answer = client(max_body_bytes=10, max_upload_bytes=100).post(ROUTE, files={"file": b"x" * 200})
    assert (answer.status_code, answer.json()["detail"]) == (413, "the body is over 100 bytes")


def test_a_caller_who_hangs_up_gets_no_answer():
    async def gone():
        return {"type": "http.disconnect"}

    assert messages(gone) == []


def test_a_body_that_never_ends_is_given_up():
    """Guards P33."""

    async def slow():
        await asyncio.sleep(30)

    told = messages(slow, request_timeout_s=0.05)
    assert told[0]["status"] == 503
    assert (b"retry-after", b"1") in told[0]["headers"]


def test_one_request_too_many_is_503_with_retry_after():
    """Guards P33."""
    guard = dressed(max_in_flight=4)
    one = TestClient(guard, "http://127.0.0.1")
    guard.places.in_flight = 4
    answer = one.post(ROUTE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert one.get("/metrics?status=200").status_code == 200
    guard.places.in_flight = 3
    assert one.post(ROUTE).status_code == 200
    assert guard.places.in_flight == 3


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8888"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:5000"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: next(iter(headers.values())))
def test_the_page_of_another_site_is_refused_before_a_byte_is_read(headers):
    async def never_called():
        raise AssertionError("the body was read")

    told = messages(never_called, [(name.lower(), value) for name, value in headers.items()])
    assert told[0]["status"] == 403
    answer = client().get("/metrics?status=200", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:agrologistic:problem:another-site")
    assert "AGRO_TEST_CORS_ORIGINS" in answer.json()["errors"][0]["remedy"]


@pytest.mark.parametrize("host", ["evil.example:3001", "127.0.0.1@evil.example", "127.0.0.1.evil.example"])
def test_a_name_that_is_not_ours_is_refused(host):
    """DNS rebinding: the page's own name comes as Host, whatever address it leads to."""
    answer = client().post(ROUTE, headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:agrologistic:problem:wrong-host")
    assert "AGRO_TEST_ALLOWED_HOSTS" in answer.json()["errors"][0]["remedy"]


@pytest.mark.parametrize("host", ["127.0.0.1:3001", "localhost", "[::1]:3001", "10.1.2.3", "other", "farm.example"])
def test_addresses_and_names_that_are_ours_are_answered(host):
    known = client(host="farm.example", allowed_hosts="recommender, other")
    assert known.post(ROUTE, headers={"Host": host}).status_code == 200


def test_what_is_no_request_is_passed_on():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(ServiceMiddleware(app, Settings(), ready)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
