"""Helpers to post trades and to find them on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import example

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.stack import Stack


def post(running: Stack, **changes: object) -> str:
    """Post the example with some fields changed, and return its id."""
    answer = running.post(example(**changes))
    assert answer.status == 201, answer.body
    event_id: str = answer.json["id"]
    return event_id


def row(page: Page, event_id: str) -> Locator:
    """Find the row of a trade."""
    return page.locator(f'[data-testid="row"][data-id="{event_id}"]')
