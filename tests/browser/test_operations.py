"""What an operator sees and does: how each part stands, what became of every message, what is buried."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.trades import post, row
from tests.chaos.account import settle
from tests.integration.conftest import open_queue
from tests.support import wait_until
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.stack import Stack

pytestmark = pytest.mark.timeout(300)


def token(running: Stack) -> str:
    return (running.home / "operator-token").read_text().strip()


def put_what_can_t_be_handled(running: Stack, tube: str, body: bytes) -> None:
    before = dead_letter_counts(running)[tube]
    with open_queue(running.home) as queue:
        queue.put(body, [tube])
    wait_until(lambda: dead_letter_counts(running)[tube] > before, f"it is buried in {tube}")


def dead_letter_counts(running: Stack) -> dict[str, int]:
    with open_queue(running.home) as queue:
        return {tube: queue.counts(tube).dead_letters for tube in (LIVE, ARCHIVE)}


def open_operations(page: Page) -> Locator:
    page.get_by_test_id("ops-open").click()
    operations = page.get_by_test_id("ops")
    expect(operations).to_be_visible()
    return operations


def enter(page: Page, text: str) -> None:
    page.get_by_test_id("token").fill(text)
    page.keyboard.press("Enter")


def test_parts_tubes_and_programs_are_listed_as_they_stand(running: Stack, page: Page) -> None:
    operations = open_operations(page)
    for part in running.get("/readyz").json["components"]:
        line = operations.get_by_role("row").filter(has=page.get_by_role("rowheader", name=part, exact=True)).first
        expect(line).to_contain_text("OK")
    tubes = operations.get_by_role("table", name="Tubes of the queue")
    for tube in (LIVE, ARCHIVE):
        expect(tubes.get_by_role("rowheader", name=tube, exact=True)).to_be_visible()
    programs = operations.get_by_role("table", name="Programs")
    expect(programs.get_by_role("row").filter(has_text="processors:live-1")).to_contain_text("runs")


def test_the_ledger_says_in_words_that_every_message_is_accounted_for(running: Stack, page: Page) -> None:
    shown = [post(running, userId=number) for number in range(3)]
    expect(row(page, shown[-1])).to_be_visible()
    accepted = settle(running)["accepted"]
    operations = open_operations(page)
    words = f"Balanced: each of the {accepted:,} messages accepted is accounted for."
    expect(operations.get_by_test_id("ops-verdict")).to_contain_text(words)
    lines = operations.get_by_role("table", name="What became of the messages")
    expect(lines.get_by_role("row").filter(has_text="Archived")).to_contain_text(f"{accepted:,}")


def test_escape_closes_operations_and_gives_the_focus_back(page: Page) -> None:
    operations = open_operations(page)
    page.keyboard.press("Escape")
    expect(operations).to_be_hidden()
    expect(page.get_by_test_id("ops-open")).to_be_focused()


def test_what_is_buried_is_listed_put_back_and_deleted_with_the_token(running: Stack, page: Page) -> None:
    put_what_can_t_be_handled(running, LIVE, b'{"id": "not one", "note": "<b>bold</b>"}')
    put_what_can_t_be_handled(running, ARCHIVE, b"not even JSON")
    operations = open_operations(page)
    enter(page, "surely not the token")
    expect(page.get_by_test_id("ops-trouble")).to_contain_text("It was forgotten here.")
    expect(page.get_by_test_id("token")).to_have_value("")

    enter(page, token(running))
    burials = operations.get_by_test_id("burial")
    expect(burials).to_have_count(2)
    live, archive = burials.filter(has_text="live"), burials.filter(has_text="archive")
    expect(live).to_contain_text("not an event")
    live.get_by_text("Message").click()
    expect(live.locator("pre")).to_have_text(re.compile(r'"note": "<b>bold</b>"'))
    archive.get_by_text("Message").click()
    expect(archive.locator("pre")).to_have_text("not even JSON")

    archive.get_by_test_id("delete").click()
    expect(archive.get_by_test_id("keep")).to_be_focused()
    archive.get_by_test_id("keep").click()
    archive.get_by_test_id("delete").click()
    archive.get_by_test_id("delete-sure").click()
    expect(page.get_by_test_id("ops-done")).to_contain_text("Deleted")
    expect(burials).to_have_count(1)
    assert dead_letter_counts(running)[ARCHIVE] == 0

    before = live.get_attribute("data-key")
    live.get_by_test_id("put-back").click()
    expect(page.get_by_test_id("ops-done")).to_contain_text("Put back")
    # It goes through the queue again, can't be handled this time either, and is buried as another one.
    expect(operations.locator(f'[data-testid="burial"]:not([data-key="{before}"])')).to_have_count(1)
    expect(burials).to_have_count(1)

    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert token(running) not in stored
    page.reload()
    open_operations(page)
    expect(page.get_by_test_id("token")).to_be_visible()
    expect(burials).to_have_count(0)


def test_a_part_that_fails_is_said_in_plain_words_for_as_long_as_it_does(running: Stack, page: Page) -> None:
    strip = page.get_by_test_id("health")
    expect(strip).to_be_hidden()
    running.supervisorctl("stop", "processors:live-1")
    try:
        expect(strip).to_contain_text("No processor hands trades to the live server", timeout=20_000)
        operations = open_operations(page)
        parts = operations.get_by_role("table", name="Parts of the stack")
        line = parts.get_by_role("row").filter(has_text="processors")
        expect(line).to_contain_text("no processor takes jobs from live")
        programs = operations.get_by_role("table", name="Programs")
        expect(programs.get_by_role("row").filter(has_text="processors:live-1")).to_contain_text("stopped")
        page.keyboard.press("Escape")
    finally:
        running.supervisorctl("start", "processors:live-1")
    expect(strip).to_be_hidden(timeout=20_000)
