"""A page of another site in a real Chromium: it asks our servers whatever a page can, and we see what they answered."""

import http.server
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.pages import FLAGS

EVIL = "evil.example"
NAMES = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"


class _Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!DOCTYPE html><title>evil</title><body></body>")

    def log_message(self, *_):
        pass


@contextmanager
def foreign_pages() -> Iterator:
    """A function that opens a blank page under a host name and lets it ask; skips where no Chromium is installed.

    It is given the name and steps, each JavaScript that may await; it gives back the statuses that the browser saw, by
    address ("failed" where there was none).
    """
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium; `make packages` installs it as root")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as site, sync_playwright() as playwright:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, NAMES])

        def ask(host: str, *steps: str, port: int = site.server_address[1]) -> dict[str, set]:
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

        try:
            yield ask
        finally:
            browser.close()
            site.shutdown()
