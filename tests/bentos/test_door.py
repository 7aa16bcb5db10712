import asyncio
import logging

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from bentos import door
from bentos.questions import Question, Upload
from bentos.settings import ServingSettings

ROUTE = "/ask"
JSON = {"Content-Type": "application/json"}


class Ask(Question):
    n: int


class Photo(Upload):
    file: bytes


class FakePredictor:
    refusal = "digest differs"

    def __init__(self, loaded=True, **settings):
        self.loaded = object() if loaded else None
        self.settings = ServingSettings(**settings)

    def status(self):
        return {"ready": True, "digest": "d"}


async def asked(request):
    question = request.state.question
    n = getattr(question, "n", None)
    if n == 1:
        raise RuntimeError("the secret is swordfish")
    if n == 2:
        await asyncio.sleep(30)
    return JSONResponse({"n": n, "bytes": len(getattr(question, "file", b""))})


async def foreign(request):
    return JSONResponse({"error": "inner words"}, int(request.query_params["status"]))


def open_door(monkeypatch, question=Ask, predictor=None):
    predictor = predictor or FakePredictor()
    monkeypatch.setattr(door, "_predictor", lambda: predictor)
    inner = Starlette(routes=[Route(ROUTE, asked, methods=["POST"]), Route("/metrics", foreign)])
    guard = door.Door(inner, ROUTE, question)
    return TestClient(guard, "http://127.0.0.1", raise_server_exceptions=False), guard


def assert_problem(answer, status, slug=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert document["status"] == status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert slug is None or document["type"].endswith(":" + slug)
    return document


def test_the_callers_request_id_comes_back(monkeypatch):
    client, _ = open_door(monkeypatch)
    answer = client.post(ROUTE, json={"n": 3}, headers={"X-Request-Id": "order-7"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "order-7")


@pytest.mark.parametrize("strange", ["", "a b", "x" * 129, "<script>", "a;b"])
def test_a_request_id_that_is_no_plain_token_is_replaced(monkeypatch, strange):
    client, _ = open_door(monkeypatch)
    answer = client.post(ROUTE, json={"n": 3}, headers={"X-Request-Id": strange})
    assert len(answer.headers["x-request-id"]) == 36


def test_a_fault_says_its_id_and_nothing_of_the_inside(monkeypatch, caplog):
    """Guards P31."""
    client, _ = open_door(monkeypatch)
    with caplog.at_level(logging.ERROR):
        answer = client.post(ROUTE, json={"n": 1})
    document = assert_problem(answer, 500, "fault")
    assert "swordfish" not in answer.text and "Traceback" not in answer.text
    assert document["request_id"] in caplog.text and "the secret is swordfish" in caplog.text


@pytest.mark.parametrize(
    ("came", "told"), [(400, 422), (404, 404), (405, 405), (429, 429), (500, 500), (501, 500), (504, 503), (418, 418)]
)
def test_an_error_of_the_layers_behind_is_retold_as_a_problem(monkeypatch, came, told):
    """Guards P31."""
    client, _ = open_door(monkeypatch)
    answer = client.get(f"/metrics?status={came}")
    assert_problem(answer, told)
    assert "inner words" not in answer.text


def test_a_wrong_method_names_the_right_one(monkeypatch):
    client, _ = open_door(monkeypatch)
    answer = client.get(ROUTE)
    assert_problem(answer, 405, "wrong-method")
    assert answer.headers["allow"] == "POST"


def test_an_unknown_path_is_a_problem(monkeypatch):
    client, _ = open_door(monkeypatch)
    assert_problem(client.get("/nope"), 404, "no-such-path")


@pytest.mark.parametrize("media_type", ["text/plain", "application/vnd.bentoml+pickle", ""])
def test_another_media_type_is_415_and_says_which_is_read(monkeypatch, media_type):
    client, _ = open_door(monkeypatch)
    answer = client.post(ROUTE, content=b"{}", headers={"Content-Type": media_type})
    assert_problem(answer, 415, "wrong-media-type")
    assert answer.headers["accept"] == "application/json"


def test_a_packed_body_is_415_and_never_unpacked(monkeypatch):
    client, _ = open_door(monkeypatch)
    assert_problem(client.post(ROUTE, content=b"x", headers={**JSON, "Content-Encoding": "gzip"}), 415)


def test_a_declared_length_over_the_limit_is_413_before_a_byte_is_read(monkeypatch):
    """Guards P32."""
    sent = []
    messages = post_messages(monkeypatch, [("content-length", "999999999")], never_called, sent, max_body_bytes=1000)
    assert messages[0]["status"] == 413


def test_a_chunked_body_is_413_as_soon_as_it_passes_the_limit(monkeypatch):
    """Guards P32."""
    given = []

    async def endless():
        given.append(1)
        return {"type": "http.request", "body": b" " * 400, "more_body": True}

    messages = post_messages(monkeypatch, [], endless, [], max_body_bytes=1000)
    assert messages[0]["status"] == 413
    assert len(given) == 3


def test_a_caller_who_hangs_up_gets_no_answer(monkeypatch):
    async def gone():
        return {"type": "http.disconnect"}

    assert post_messages(monkeypatch, [], gone, []) == []


def test_a_body_that_never_ends_is_given_up(monkeypatch):
    """Guards P33."""

    async def slow():
        await asyncio.sleep(30)

    messages = post_messages(monkeypatch, [], slow, [], request_timeout_s=0.05)
    assert messages[0]["status"] == 503
    assert (b"retry-after", b"1") in messages[0]["headers"]


def test_an_answer_that_takes_too_long_is_503(monkeypatch):
    """Guards P33."""
    client, guard = open_door(monkeypatch, predictor=FakePredictor(request_timeout_s=0.05))
    answer = client.post(ROUTE, json={"n": 2})
    assert_problem(answer, 503, "busy")
    assert answer.headers["retry-after"] == "1"
    assert guard.in_flight == 0


def test_one_request_too_many_is_503_with_retry_after(monkeypatch):
    """Guards P33."""
    client, guard = open_door(monkeypatch, predictor=FakePredictor(max_in_flight=4))
    guard.in_flight = 4
    answer = client.post(ROUTE, json={"n": 3})
    assert_problem(answer, 503, "busy")
    assert answer.headers["retry-after"] == "1"
    guard.in_flight = 3
    assert client.post(ROUTE, json={"n": 3}).status_code == 200


def test_a_service_without_a_model_is_not_ready_and_says_why(monkeypatch):
    """Guards P30."""
    client, _ = open_door(monkeypatch, predictor=FakePredictor(loaded=False))
    for answer in (client.get("/readyz"), client.post(ROUTE, json={"n": 3})):
        document = assert_problem(answer, 503, "not-ready")
        assert document["detail"] == "digest differs"


def test_readiness_says_what_is_loaded(monkeypatch):
    """Guards P30."""
    client, _ = open_door(monkeypatch)
    assert client.get("/readyz").json() == {"ready": True, "digest": "d"}


def test_the_front_page_calls_nobody_else(monkeypatch):
    client, _ = open_door(monkeypatch)
    page = client.get("/").text
    assert "docs.json" in page
    assert "http" not in page and "//" not in page


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"files": {"file": (None, "text")}}, "file"),
        ({"files": {"picture": ("a.jpg", b"x")}}, "picture"),
        ({"files": {"file": ("a.jpg", b"")}}, "file"),
        ({"files": [("file", ("a.jpg", b"x")), ("file", ("b.jpg", b"y"))]}, "body"),
        ({"files": {"file": ("a.jpg", b"x")}, "data": {"note": "n"}}, "note"),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, "body"),
        ({"content": b"garbage", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, "body"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, "body"),
        (
            {
                "content": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
                "headers": {"Content-Type": "multipart/form-data; boundary=b"},
            },
            "body",
        ),
    ],
    ids=["text", "misnamed", "empty", "two", "more", "no parts", "garbage", "no boundary", "cut off"],
)
def test_a_form_without_its_one_file_is_422(monkeypatch, form, field):
    client, _ = open_door(monkeypatch, Photo)
    document = assert_problem(client.post(ROUTE, **form), 422, "invalid-input")
    assert field in [error["field"] for error in document["errors"]]
    assert all(error["remedy"] for error in document["errors"])


def test_an_upload_stays_in_memory_whatever_its_name(monkeypatch):
    """Guards P26."""
    import tempfile

    def no_file(*args, **kwargs):
        raise AssertionError("an upload was written to disk")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", no_file)
    client, _ = open_door(monkeypatch, Photo)
    content = bytes(range(256)) * 16000
    answer = client.post(ROUTE, files={"file": ("../../etc/passwd", content)})
    assert answer.json()["bytes"] == len(content)


def test_an_upload_over_the_limit_is_413(monkeypatch):
    """Guards P32."""
    client, _ = open_door(monkeypatch, Photo, FakePredictor(max_upload_bytes=100_000))
    document = assert_problem(client.post(ROUTE, files={"file": ("a.jpg", b"x" * 100_000)}), 413, "too-large")
    assert "100000 bytes" in document["detail"]


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8888"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:5000"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: next(iter(headers.values())))
def test_the_page_of_another_site_is_refused_before_a_byte_is_read(monkeypatch, headers):
    lowered = [(name.lower(), value) for name, value in headers.items()]
    messages = post_messages(monkeypatch, lowered, never_called, [])
    assert messages[0]["status"] == 403
    client, _ = open_door(monkeypatch)
    assert_problem(client.get("/metrics", headers=headers), 403, "another-site")


@pytest.mark.parametrize("host", ["evil.example:3001", "127.0.0.1@evil.example", "127.0.0.1.evil.example"])
def test_a_name_that_is_not_ours_is_refused(monkeypatch, host):
    """DNS rebinding: the page's own name comes as Host, whatever address it leads to."""
    client, _ = open_door(monkeypatch)
    assert_problem(client.post(ROUTE, json={"n": 3}, headers={"Host": host}), 403, "wrong-host")


@pytest.mark.parametrize("host", ["127.0.0.1:3001", "localhost", "[::1]:3001", "10.1.2.3", "other", "farm.example"])
def test_addresses_and_names_that_are_ours_are_answered(monkeypatch, host):
    client, _ = open_door(monkeypatch, predictor=FakePredictor(host="farm.example", allowed_hosts="recommender, other"))
    assert client.post(ROUTE, json={"n": 3}, headers={"Host": host}).status_code == 200


def test_a_page_of_a_known_site_may_ask_and_read(monkeypatch):
    client, _ = open_door(monkeypatch, predictor=FakePredictor(cors_origins="https://app.example"))
    page = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    before = client.options(ROUTE, headers={**page, "Access-Control-Request-Method": "POST"})
    assert before.status_code == 204 and "content-type" in before.headers["access-control-allow-headers"].lower()
    for answer in (client.post(ROUTE, json={"n": 3}, headers=page), client.post(ROUTE, json={}, headers=page)):
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert_problem(client.post(ROUTE, json={"n": 3}, headers={"Origin": "https://evil.example"}), 403)


def test_a_link_in_a_mail_opens_the_front_page_and_nothing_else(monkeypatch):
    client, _ = open_door(monkeypatch)
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=visit).status_code == 200
    assert client.get("/docs.json", headers=visit).status_code == 403


async def never_called():
    raise AssertionError("the body was read")


def post_messages(monkeypatch, headers, receive, sent, **settings):
    """What the door sends for a POST whose body comes from `receive`."""
    _, guard = open_door(monkeypatch, predictor=FakePredictor(**settings))
    raw = [(b"content-type", b"application/json"), *((name.encode(), value.encode()) for name, value in headers)]
    scope = {"type": "http", "method": "POST", "path": ROUTE, "headers": raw, "query_string": b"", "app": None}

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    return sent
