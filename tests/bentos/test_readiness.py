import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bentos import readiness

REFUSES = b'{"type": "urn:agrologistic:not-ready", "detail": "the digest is another one"}'


@pytest.fixture
def said():
    """A service whose `/readyz` says what a test appends: status and body; and where it answers."""
    answers = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answers[-1]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield answers, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_service_says_what_it_serves_or_why_it_does_not(said):
    answers, base = said
    answers.append((200, b'{"ready": true, "models": {"recommender": {"model_version": "2", "digest": "d"}}}'))
    said = readiness.at(base)
    assert readiness.refusal(said) == ""
    assert readiness.is_ready(said, "recommender", "d") and not readiness.is_ready(said, "recommender", "e")
    assert not readiness.is_ready(said, "leaf-disease", "d")
    assert (readiness.version(said, "recommender"), readiness.version(said, "leaf-disease")) == (2, None)
    answers.append((503, REFUSES))
    assert readiness.refusal(readiness.at(base)) == "the digest is another one"


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe"])
def test_what_is_no_document_says_nothing(said, body):
    answers, base = said
    answers.append((502, body))
    assert readiness.at(base) == {}


def test_nothing_that_listens_says_nothing(free_port):
    assert readiness.at(f"http://127.0.0.1:{free_port}") == {}
