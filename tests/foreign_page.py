"""A page of another site in a real Chromium: it asks our servers whatever a page can, and we see what they answered."""

import http.server
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e import pages

EVIL = "evil.example"
NAMES = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"


@contextmanager
def site(content: str = "<!DOCTYPE html><title>elsewhere</title><body></body>") -> Iterator[int]:
    """The port of a web server on which every address is this one page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def foreign_pages() -> Iterator:
    """A function that opens a blank page under a host name and lets it ask; skips where no Chromium is installed.

    It is given the name and steps, each JavaScript that may await; it gives back the statuses that the browser saw, by
    address ("failed" where there was none).
    """
    with site() as own_port, pages.chromium(NAMES) as browser:

        def ask(host: str, *steps: str, port: int = own_port) -> dict[str, set]:
            page, seen = browser.new_page(), defaultdict(set)
            page.on("response", lambda answer: seen[f"{answer.request.method} {answer.url}"].add(answer.status))
            page.on("requestfailed", lambda asked: seen[f"{asked.method} {asked.url}"].add("failed"))
            page.goto(f"http://{host}:{port}/")
            seen.clear()
            for step in steps:
                page.evaluate(f"async () => {{ try {{ {step} }} catch (error) {{ }} }}")
            page.wait_for_load_state("networkidle")
            page.close()
            return dict(seen)

        yield ask
