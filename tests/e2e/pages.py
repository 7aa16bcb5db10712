"""Opens a page in Debian's Chromium and gives back what a person would read on it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
]
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@contextmanager
def chromium(*flags: str) -> Iterator[Any]:
    """The browser; skips where none is installed."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium; `make packages` installs it as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield browser
        browser.close()


def read(url: str, words: str, size: str) -> tuple[str, set[str]]:
    """The page's text once it shows `words`, and the hosts it asked; skips where no Chromium is installed."""
    with chromium() as browser:
        page = browser.new_page(viewport=SIZES[size])
        asked: set[str] = set()
        page.on("request", lambda request: asked.add(urlsplit(request.url).hostname or ""))
        page.goto(url)
        page.get_by_text(words).first.wait_for(timeout=120_000)
        text = page.inner_text("body")
    return text, asked - {""}
