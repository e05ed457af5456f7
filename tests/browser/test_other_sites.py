"""Another site has a link to an export. A logged-in user follows it: nothing is exported."""

from __future__ import annotations

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error, expect

from tests.browser.test_login import RIGHT, log_in
from tests.support import audited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.stack import Stack

EXPORT = "api/messages?format=csv"


@pytest.fixture(scope="module")
def started(keyed: Stack) -> Stack:
    done = keyed.deploy("user", "add", "alice", "--role", "viewer,exporter", typed=RIGHT)
    assert done.returncode == 0, done.stderr
    return keyed


@contextmanager
def other_site(content: str) -> Iterator[str]:
    """Serve a page with some content. For a browser, localhost is another site than 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!doctype html>{content}".encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()


def exports(started: Stack) -> int:
    return len([each for each in audited(started.home, "messages-exported") if each["result"] == "begun"])


def enter_address(page: Page, url: str) -> None:
    """Enter an address, as people do or as a bookmark does, and wait for the download."""
    with page.expect_download(), pytest.raises(Error, match="Download is starting"):
        page.goto(url)


def test_a_link_on_another_site_exports_nothing_and_an_address_that_is_entered_does(
    started: Stack, chromium: Browser
) -> None:
    page = chromium.new_context().new_page()
    page.goto(started.url)
    log_in(page, "alice")
    expect(page.get_by_test_id("login")).to_be_hidden()
    with other_site(f'<a href="{started.url}{EXPORT}">All trades!</a>') as site:
        page.goto(site)
        page.get_by_text("All trades!").click()
        expect(page.locator("body")).to_contain_text("A page of another site sent this request.")
        assert exports(started) == 0
        enter_address(page, started.url + EXPORT)
        assert exports(started) == 1
        page.goto(started.url)
        with page.expect_download():
            page.evaluate("address => { location.href = address; }", EXPORT)
        assert exports(started) == 2
