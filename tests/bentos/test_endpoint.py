"""What a Bento's endpoint adds to the middleware that every service wears; BentoML itself is in tests/web."""

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from bentos import endpoint
from bentos.questions import Question, Upload
from tests.web.services import Held

ROUTE = "/ask"


class Ask(Question):
    n: int


class Photo(Upload):
    file: bytes


async def asked(request):
    question = request.state.question
    return JSONResponse({"n": getattr(question, "n", None), "bytes": len(getattr(question, "file", b""))})


async def metrics(request):
    return JSONResponse({})


@pytest.fixture
def open_endpoint(monkeypatch):
    """A client of an endpoint with such a question, BentoML's part played by Starlette."""

    def open_one(question=Ask, held=None):
        held = held or Held()
        monkeypatch.setattr(endpoint, "_predictors", lambda: {ROUTE: held})
        pages = ("/metrics", "/_bento/private")
        inner = Starlette(routes=[Route(ROUTE, asked, methods=["POST"]), *(Route(page, metrics) for page in pages)])
        return TestClient(endpoint.dressed(inner, None, {ROUTE: question}), "http://127.0.0.1")

    return open_one


def test_bentomls_own_pages_are_closed(open_endpoint):
    client = open_endpoint()
    assert client.get("/metrics").status_code == 200
    assert client.get("/_bento/private").status_code == 404


def test_a_service_without_a_model_says_why_to_whoever_asks(open_endpoint):
    """Guards P30."""
    held = Held()
    held.loaded = None
    answer = open_endpoint(held=held).post(ROUTE, json={"n": 3})
    assert (answer.status_code, answer.json()["detail"]) == (503, "digest differs")


def test_the_front_page_calls_nobody_else(open_endpoint):
    page = open_endpoint().get("/").text
    assert "docs.json" in page
    assert "http" not in page and "//" not in page


def test_a_link_in_a_mail_opens_the_front_page_and_nothing_else(open_endpoint):
    client = open_endpoint()
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=visit).status_code == 200
    assert client.get("/docs.json", headers=visit).status_code == 403


def test_an_upload_stays_in_memory_whatever_its_name(open_endpoint, monkeypatch):
    """Guards P26."""
    import tempfile

    def no_file(*args, **kwargs):
        raise AssertionError("an upload was written to disk")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", no_file)
    content = bytes(range(256)) * 16000
    answer = open_endpoint(Photo).post(ROUTE, files={"file": ("../../etc/passwd", content)})
    assert answer.json()["bytes"] == len(content)


@pytest.mark.parametrize("media_type", ["text/plain", "application/vnd.bentoml+pickle", ""])
def test_another_media_type_is_415_and_says_which_is_read(open_endpoint, media_type):
    answer = open_endpoint().post(ROUTE, content=b"{}", headers={"Content-Type": media_type})
    assert (answer.status_code, answer.headers["accept"]) == (415, "application/json")


def test_two_models_in_one_service_are_told_apart(monkeypatch):
    """Guards P30: a model that is refused leaves the other one answering, and readiness says which it is."""
    both = {"/one": Held("first"), "/two": Held("second")}
    monkeypatch.setattr(endpoint, "_predictors", lambda: both)
    inner = Starlette(routes=[Route(path, asked, methods=["POST"]) for path in both])
    client = TestClient(endpoint.dressed(inner, None, {"/one": Ask, "/two": Photo}), "http://127.0.0.1")
    assert set(client.get("/readyz").json()["models"]) == {"first", "second"}
    assert client.post("/one", json={"n": 3}).json()["n"] == 3
    assert client.post("/two", files={"file": ("a.jpg", b"xx")}).json()["bytes"] == 2
    both["/two"].loaded = None
    assert (client.get("/readyz").status_code, client.get("/readyz").json()["detail"]) == (503, "digest differs")
    assert client.post("/one", json={"n": 3}).status_code == 200
    assert client.post("/two", files={"file": ("a.jpg", b"xx")}).status_code == 503
    both["/two"].given = False
    assert set(client.get("/readyz").json()["models"]) == {"first"}
