"""A user of the page whose actions are counted, and the situations that a user asks about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.browser.trades import post
from tests.integration.conftest import open_queue
from tests.support import wait_until
from tradewire import event, receipt
from tradewire.queue import LIVE, Rejected

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.stack import Stack

LIVE_PROCESSOR = "processors:live-1"
_TAB_STOPS_MAX = 80


class User:
    """Acts on a page. A click, a filled field and a pressed key are one action each."""

    def __init__(self, page: Page) -> None:
        self.actions = 0
        self._page = page

    def click(self, target: Locator) -> None:
        """Click, which also brings the target into view."""
        self.actions += 1
        target.click()

    def paste(self, text: str) -> None:
        """Paste, or type, into the field in hand."""
        self.actions += 1
        self._page.keyboard.insert_text(text)

    def fill(self, field: Locator, text: str) -> None:
        """Choose a field and type into it."""
        self.actions += 1
        field.fill(text)

    def press(self, key: str) -> None:
        """Press a key."""
        self.actions += 1
        self._page.keyboard.press(key)


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(_TAB_STOPS_MAX):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    message = f"{_TAB_STOPS_MAX} presses of Tab do not lead to {target}"
    raise AssertionError(message)


def exported_ids(path: Path) -> list[str]:
    """Return the ids in an NDJSON export, in its order."""
    return re.findall(r'"id":"([^"]+)"', path.read_text())


def shown_ids(page: Page) -> list[str]:
    """Return the ids of the list's rows, from top to bottom."""
    ids: list[str] = page.get_by_test_id("row").evaluate_all("rows => rows.map(row => row.dataset.id)")
    return ids


def refuse_live(running: Stack, reason: str) -> str:
    """Post a trade, act as a live processor that makes a dead letter of it, and return its id."""
    with running.stopped(LIVE_PROCESSOR):
        event_id = post(running, userId="refused")
        with open_queue(running.home) as queue:
            [job] = queue.reserve(LIVE, 1, 10)
            header = event.peek(job.body)
            assert header
            assert header.id == event_id
            for dead_lettered in receipt.encode_all("dead-lettered", LIVE, [event_id], reason):
                queue.put_receipt(dead_lettered)
            queue.dead_letter(job, [Rejected(job.body, reason)])
    wait_until(lambda: _has(running, event_id, "dead-lettered"), "the archive has the receipt")
    return event_id


def expire(running: Stack) -> str:
    """Post a trade that no live processor takes until it expires, and return its id."""
    with running.stopped(LIVE_PROCESSOR):
        event_id = post(running, userId="expired")
        wait_until(lambda: _has(running, event_id, "expired"), "the trade has expired", 60)
    return event_id


def _has(running: Stack, event_id: str, kind: str) -> bool:
    answer = running.get(f"/api/message/{event_id}")
    return answer.status == 200 and kind in {entry["kind"] for entry in answer.json["trace"]}
