"""The page shows trades from before it was opened, and fills gaps from the archive."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.trades import row
from tests.chaos.producer import Producer
from tests.chaos.reconcile import wait_settled
from tests.support import example, wait_until
from tests.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.stack import Stack


@contextmanager
def disconnected(running: Stack, page: Page) -> Iterator[None]:
    """Kill the WebSocket server, and keep this page disconnected within the block."""
    page.evaluate(
        """() => {
            window.original = WebSocket;
            const construct = (kind, [url]) => new kind(url.replace("/ws?", "/disconnected?"));
            window.WebSocket = new Proxy(WebSocket, { construct });
        }"""
    )
    running.kill(running.pid("wsserver"))
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "offline")
    expect(page.get_by_test_id("list-status")).to_contain_text("Missed trades are filled in")
    yield
    page.evaluate("() => { window.WebSocket = window.original; }")
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "live")


def test_a_new_page_lists_earlier_trades_and_does_not_count_them(running: Stack, page: Page) -> None:
    ids = [running.post(example(userId=number)).json["id"] for number in range(3)]
    expect(page.get_by_test_id("count")).to_have_attribute("data-value", "3")
    later = page.context.new_page()
    later.goto(running.url)
    for event_id in ids:
        expect(row(later, event_id)).to_be_visible()
    expect(later.get_by_test_id("empty")).to_be_hidden()
    expect(later.get_by_test_id("count")).to_have_attribute("data-value", "0")


def test_trades_missed_during_an_outage_of_the_websocket_server_are_filled_in_and_counted_once(
    running: Stack, page: Page
) -> None:
    with Watcher(running.port) as watcher, Producer(running.port) as producer:
        wait_until(lambda: len(producer.accepted) >= 20, "messages are accepted")
        with disconnected(running, page):
            before = len(watcher.ids)
            wait_until(
                lambda: len(watcher.ids) >= before + 20, "other browsers receive the trades that this page misses"
            )
        before = len(producer.accepted)
        wait_until(lambda: len(producer.accepted) >= before + 20, "more are accepted")
    wait_settled(running)
    expect(page.get_by_test_id("count")).to_have_attribute("data-value", str(len(producer.accepted)))
    expect(page.get_by_test_id("detail")).to_be_empty()
    expect(page.get_by_test_id("count")).to_have_attribute("data-value", str(len(producer.accepted)))
    expect(page.get_by_test_id("gap-notice")).to_be_hidden()


def test_the_page_waits_for_an_archive_that_is_behind(running: Stack, page: Page) -> None:
    with running.stopped("processors:archive"):
        with Watcher(running.port) as watcher, disconnected(running, page):
            missed = [running.post(example(userId=number)).json["id"] for number in range(3)]
            wait_until(
                lambda: set(missed) <= set(watcher.ids), "other browsers receive the trades that this page misses"
            )
        live = running.post(example(userId="live")).json["id"]
        expect(row(page, live)).to_be_visible()
        expect(page.get_by_test_id("detail")).to_contain_text("catching up")
        expect(page.get_by_test_id("count")).to_have_attribute("data-value", "1")
    expect(page.get_by_test_id("count")).to_have_attribute("data-value", "4")
    for event_id in missed:
        expect(row(page, event_id)).to_be_visible()
    expect(page.get_by_test_id("detail")).to_be_empty()
    expect(page.get_by_test_id("gap-notice")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_api_reference_lists_all_operations_and_fits_the_window(
    running: Stack, page: Page, width: int, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 740})
    page.get_by_role("link", name="API").click()
    paths = running.get("/api/openapi.json").json["paths"]
    for path, item in paths.items():
        for method in item:
            expect(page.get_by_role("heading", name=f"{method.upper()} {path}", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("main")).not_to_contain_text("9,223,372")
    page.locator(".example").first.get_by_role("button", name="Copy").click()
    expect(page.locator(".example").first.get_by_role("button")).to_have_text(re.compile("Copied|Selected"))
    answer = page.locator("#get-api-message-message-id- details").first
    answer.get_by_text("Example answer").click()
    expect(answer.locator("pre")).to_contain_text('"kind": "accepted"')
    answer.get_by_role("button", name="Copy").click()
    expect(answer.get_by_role("button")).to_have_text(re.compile("Copied|Selected"))
