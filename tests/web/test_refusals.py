"""One table of bad requests, asked of a Bento and of a FastAPI service: both refuse in the same words."""

import threading
import time

import pytest

from tests.web.services import ASK, FRAMEWORKS, PHOTO, Held, client

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
LIMITS = {"max_body_bytes": 1000, "max_upload_bytes": 4000, "cors_origins": "https://app.example"}


@pytest.fixture(scope="module")
def services():
    """Clients of both frameworks for each of the two routes."""
    with pytest.MonkeyPatch.context() as patch:
        opened = [(name, route, client(name, route, patch, **LIMITS)) for name in FRAMEWORKS for route in (ASK, PHOTO)]
        clients = {(name, route): one.__enter__() for name, route, one in opened}
        yield clients
        for _, _, one in opened:
            one.__exit__(None, None, None)


def problem(answer):
    """The document of a refusal, without the id that is each request's own."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "errors", "request_id"}
    assert document.pop("request_id") == answer.headers["x-request-id"]
    assert document["status"] == answer.status_code
    return document


def both(services, route, method="POST", path=None, **how):
    """Status and document, the same from both frameworks."""
    one, other = (services[name, route].request(method, path or route, **how) for name in FRAMEWORKS)
    assert problem(one) == problem(other)
    for header in ("accept", "allow", "retry-after"):
        assert one.headers.get(header) == other.headers.get(header), header
    return one.status_code, problem(one), one.headers


REFUSED = [
    ({"json": {"n": 0}}, 422, "n"),
    ({"json": {"n": 10**40}}, 422, "n"),
    ({"json": {"n": "3"}}, 422, "n"),
    ({"json": {"n": 3, "kg": True}}, 422, "kg"),
    ({"content": b'{"n": 3, "kg": NaN}', "headers": JSON}, 422, "kg"),
    ({"content": b'{"n": 3, "kg": -Infinity}', "headers": JSON}, 422, "kg"),
    ({"json": {"n": 3, "kind": ""}}, 422, "kind"),
    ({"json": {"n": 3, "knd": "pear"}}, 422, "knd"),
    ({"json": {"n": 3, "zzz": 1}}, 422, "zzz"),
    ({"json": {}}, 422, "n"),
    ({"json": []}, 422, "body"),
    ({"content": b"", "headers": JSON}, 422, "body"),
    ({"content": b"{", "headers": JSON}, 422, "body"),
    ({"content": b"\xff\xfe", "headers": JSON}, 422, "body"),
    ({"content": b"[" * 900, "headers": JSON}, 422, "body"),
    ({"content": b" " * 1001, "headers": JSON}, 413, "body"),
    ({"content": b'{"n": 3}'}, 415, "Content-Type"),
    ({"content": b'{"n": 3}', "headers": {"Content-Type": "text/plain"}}, 415, "Content-Type"),
    ({"content": b"x", "headers": {**JSON, "Content-Encoding": "gzip"}}, 415, "Content-Type"),
    ({"data": {"n": "3"}}, 415, "Content-Type"),
    ({"json": {"n": 3}, "headers": {"Host": "evil.example"}}, 403, "Host"),
    ({"json": {"n": 3}, "headers": {"Origin": "http://evil.example"}}, 403, "Origin"),
]


@pytest.mark.parametrize(("how", "status", "field"), REFUSED, ids=[str(row[0])[:50] for row in REFUSED])
def test_a_bad_request_is_refused_with_its_field_and_a_remedy(services, how, status, field):
    """Guards P31 and P34."""
    came, document, _ = both(services, ASK, **how)
    assert came == status
    assert [error["field"] for error in document["errors"]] == [field]
    assert all(error["remedy"] for error in document["errors"])


FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
BAD_FORMS = [
    ({"files": {"file": (None, "text")}}, 422, "file"),
    ({"files": {"picture": ("a.jpg", b"x")}}, 422, "picture"),
    ({"files": {"file": ("a.jpg", b"")}}, 422, "file"),
    ({"files": [("file", ("a.jpg", b"x")), ("file", ("b.jpg", b"y"))]}, 422, "body"),
    ({"files": {"file": ("a.jpg", b"x")}, "data": {"note": "n"}}, 422, "note"),
    ({"content": b"", "headers": FORM}, 422, "body"),
    ({"content": b"garbage", "headers": FORM}, 422, "body"),
    ({"content": b"--b--\r\n", "headers": FORM}, 422, "file"),
    ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 422, "body"),
    ({"content": FILE + b"half", "headers": FORM}, 422, "body"),
    ({"content": FILE + b"x" * 5000, "headers": FORM}, 413, "body"),
    ({"json": {"file": "http://127.0.0.1:1/"}}, 415, "Content-Type"),
    ({"content": b"x", "headers": {"Content-Type": "image/jpeg"}}, 415, "Content-Type"),
]


@pytest.mark.parametrize(("how", "status", "field"), BAD_FORMS, ids=[str(row[0])[:50] for row in BAD_FORMS])
def test_a_form_without_its_one_file_is_refused(services, how, status, field):
    came, document, _ = both(services, PHOTO, **how)
    assert came == status
    assert field in [error["field"] for error in document["errors"]]
    assert all(error["remedy"] for error in document["errors"])


def test_wrong_methods_and_unknown_paths_are_problems(services):
    """Guards P31."""
    came, _, headers = both(services, ASK, "GET")
    assert (came, headers["allow"]) == (405, "POST")
    for path in ("/nope", "/api/v1/nothing", "/ask/"):
        assert both(services, ASK, path=path, json={"n": 3})[0] == 404


def test_a_fault_says_its_id_and_nothing_of_the_inside(services):
    """Guards P31."""
    came, document, _ = both(services, ASK, json={"n": 1})
    assert (came, document["errors"]) == (500, [])
    assert "swordfish" not in str(document)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_good_request_is_answered_with_the_callers_id(services, framework):
    answer = services[framework, ASK].post(ASK, json={"n": 3}, headers={"X-Request-Id": "order-7"})
    assert (answer.status_code, answer.json()["n"], answer.headers["x-request-id"]) == (200, 3, "order-7")
    content = bytes(range(256)) * 10
    assert services[framework, PHOTO].post(PHOTO, files={"file": ("../../x", content)}).json()["bytes"] == 2560


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_page_of_a_known_site_may_ask_and_read(services, framework):
    page = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    known = services[framework, ASK]
    before = known.options(ASK, headers={**page, "Access-Control-Request-Method": "POST"})
    assert before.status_code == 204 and "content-type" in before.headers["access-control-allow-headers"].lower()
    for answer in (known.post(ASK, json={"n": 3}, headers=page), known.post(ASK, json={}, headers=page)):
        assert answer.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_one_request_too_many_and_one_that_takes_too_long_are_503(monkeypatch, framework):
    """Guards P33."""
    with client(framework, ASK, monkeypatch, max_in_flight=1, request_timeout_s=0.3) as one:
        slow = []
        thread = threading.Thread(target=lambda: slow.append(one.post(ASK, json={"n": 2})))
        thread.start()
        time.sleep(0.1)
        many = problem(one.post(ASK, json={"n": 3}))
        thread.join()
        assert "being answered" in many["detail"] and many["status"] == 503
        assert "no answer within 0.3 s" in problem(slow[0])["detail"] and slow[0].headers["retry-after"] == "1"
        assert one.get("/healthz").status_code == one.get("/readyz").status_code == 200
        assert one.post(ASK, json={"n": 3}).status_code == 200


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_readiness_says_what_serves_or_why_nothing_does(monkeypatch, framework):
    """Guards P30."""
    held = Held()
    with client(framework, ASK, monkeypatch, held) as one:
        assert one.get("/readyz").json().items() >= {"ready": True, "digest": "d"}.items()
        held.loaded = None
        refused = one.get("/readyz")
        assert (problem(refused)["detail"], refused.headers["retry-after"]) == ("digest differs", "10")
        assert one.get("/healthz").json() == {"alive": True}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("route", "reads"), [(ASK, "application/json"), (PHOTO, "multipart/form-data")])
def test_the_description_names_every_problem_bound_and_unit(services, framework, route, reads):
    spec = services[framework, route].get("/docs.json").json()
    operation = spec["paths"][route]["post"]
    assert set(operation["responses"]) == {"200", "413", "415", "422", "500", "503"}
    assert set(operation["requestBody"]["content"]) == {reads}
    told = operation["requestBody"]["content"][reads]["schema"]["properties"]
    if route == ASK:
        assert (told["n"]["minimum"], told["n"]["maximum"]) == (1, 100)
        assert told["kg"]["description"] == "weight of a crate in kg"
