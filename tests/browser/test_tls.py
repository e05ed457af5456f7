"""The page over https, in Chromium: it is live, and as protected as without encryption."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import tls
from tests.browser.conftest import wait_live
from tests.browser.trades import row
from tests.stack import Stack, stack
from tests.support import ASK_SECONDS, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def encrypted() -> Iterator[Stack]:
    """Run a stack that speaks https."""
    home = Path(tempfile.mkdtemp(prefix="tw-page-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        files = tls.make(Path(folder), "own")
        with stack(home, RATE_LIMIT="off", **files.settings) as started:
            wait_until(
                lambda: tls.get(started.port, "/readyz").json["status"] == "ready",
                "the stack is ready",
                120,
                ASK_SECONDS,
            )
            yield started
    shutil.rmtree(home)


def test_the_page_opens_over_https_and_shows_a_trade_live_over_wss(
    running: Stack, encrypted: Stack, chromium: Browser
) -> None:
    context = chromium.new_context(ignore_https_errors=True)
    page = context.new_page()
    complaints: list[str] = []
    feeds: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("websocket", lambda feed: feeds.append(feed.url))
    response = page.goto(f"https://127.0.0.1:{encrypted.port}/")
    assert response
    wait_live(page)
    assert [url.partition("?")[0] for url in feeds] == [f"wss://127.0.0.1:{encrypted.port}/ws"]
    posted = tls.get(encrypted.port, "/api/message", "POST", body=example()).json["id"]
    row(page, posted).wait_for()
    headers, plain = response.headers, running.get("/").headers
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["content-security-policy"] == plain["Content-Security-Policy"]
    assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    assert complaints == []
    context.close()


def test_an_address_in_clear_leads_to_https(encrypted: Stack, chromium: Browser) -> None:
    context = chromium.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{encrypted.port}/?window=7d")
    wait_live(page)
    assert page.url.startswith(f"https://127.0.0.1:{encrypted.port}/?window=7d")
    context.close()
