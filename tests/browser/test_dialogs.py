"""Dialogs have addresses: links open them, Back closes them, and any id leads to its trade."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.trades import post, row
from tests.integration.conftest import open_queue
from tests.support import wait_until
from tradewire.ledger import losses
from tradewire.ledger.losses import Loss
from tradewire.queue import ARCHIVE
from tradewire.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.stack import Stack

UNKNOWN = "0197b3c2-5d0e-7a41-8c3f-2b6d9e1f4a70"


def test_back_closes_an_open_trade_and_forward_opens_it_again(running: Stack, page: Page) -> None:
    event_id = post(running)
    page.goto(f"{running.url}?window=24h")
    wait_live(page)
    row(page, event_id).click()
    trade = page.get_by_test_id("trade")
    expect(trade).to_contain_text(event_id)
    expect(page).to_have_url(f"{running.url}trade/{event_id}?window=24h")
    page.go_back()
    expect(trade).to_be_hidden()
    expect(page).to_have_url(f"{running.url}?window=24h")
    page.go_forward()
    expect(trade).to_contain_text(event_id)
    page.keyboard.press("Escape")
    expect(trade).to_be_hidden()
    expect(page).to_have_url(f"{running.url}?window=24h")
    expect(row(page, event_id)).to_be_visible()


@pytest.mark.parametrize(
    ("opener", "name", "hash_"), [("ops-open", "ops", "#operations"), ("help-open", "help", "#help")]
)
def test_back_closes_operations_and_help(running: Stack, page: Page, opener: str, name: str, hash_: str) -> None:
    if name == "help":
        page.get_by_test_id("settings").get_by_text("Settings").click()
    page.locator(f"#{opener}").click()
    expect(page.get_by_test_id(name)).to_be_visible()
    expect(page).to_have_url(running.url + hash_)
    page.go_back()
    expect(page.get_by_test_id(name)).to_be_hidden()
    page.goto(running.url + hash_)
    expect(page.get_by_test_id(name)).to_be_visible()


def test_an_open_trade_leads_to_the_newer_and_the_older_one_of_the_list(running: Stack, page: Page) -> None:
    first, second, third = (post(running, userId="walk") for _ in range(3))
    page.goto(f"{running.url}?user=walk")
    wait_live(page)
    row(page, second).click()
    trade = page.get_by_test_id("trade")
    raw = page.get_by_test_id("raw")
    expect(raw).to_contain_text(second)
    page.keyboard.press("ArrowRight")
    expect(raw).to_contain_text(first)
    expect(trade.get_by_role("button", name="Next")).to_be_disabled()
    trade.get_by_role("button", name="Previous").click()
    trade.get_by_role("button", name="Previous").click()
    expect(raw).to_contain_text(third)
    expect(page).to_have_url(f"{running.url}trade/{third}?user=walk")
    page.go_back()
    expect(trade).to_be_hidden()
    expect(page).to_have_url(f"{running.url}?user=walk")


def test_a_pasted_id_opens_its_trade_whatever_the_filters_are(running: Stack, page: Page) -> None:
    event_id = post(running, userId="wanted")
    page.goto(f"{running.url}?user=another&window=15m")
    wait_live(page)
    page.get_by_role("searchbox").fill(f'{{"status":"OK","id":"{event_id.upper()}"}}')
    expect(page.get_by_test_id("trade")).to_contain_text("wanted")
    expect(page.get_by_test_id("trace")).to_contain_text("Shown to 1 browser")
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_have_value("")
    expect(page).to_have_url(f"{running.url}?user=another&window=15m")


def test_a_trades_address_opens_it_in_a_new_page(running: Stack, page: Page) -> None:
    event_id = post(running, userId="linked")
    page.goto(f"{running.url}trade/{event_id}")
    wait_live(page)
    expect(page.get_by_test_id("trade")).to_contain_text("linked")
    expect(page).to_have_title(re.compile(f"^Trade {event_id}"))
    page.get_by_role("button", name="Close").click()
    expect(page).to_have_url(running.url)
    expect(row(page, event_id)).to_be_visible()


def test_a_dead_letters_id_leads_to_its_history_with_the_reason(running: Stack, page: Page) -> None:
    event_id = "0197b3c2-5d0e-7a41-8c3f-2b6d9e1f4a71"
    with open_queue(running.home) as queue:
        queue.put(json.dumps({"id": event_id, "receivedAt": "2026-01-01T00:00:00.000000Z"}).encode(), [ARCHIVE])
        wait_until(lambda: queue.dead_letters(ARCHIVE, 1), "the event is a dead letter")
    page.get_by_role("searchbox").fill(event_id)
    expect(page.get_by_test_id("trace")).to_contain_text("Dead letter of archive: it could not be processed (")


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        ("abc", "“abc” is not the id of a trade."),
        ("%3Cb%3E", "“<b>” is not the id of a trade."),
        ("", "is not the id of a trade."),
        (UNKNOWN, "There is no trade with this id."),
    ],
)
def test_an_address_without_a_trade_says_so_in_words(running: Stack, page: Page, id_: str, words: str) -> None:
    page.goto(f"{running.url}trade/{id_}")
    wait_live(page)
    expect(page.get_by_test_id("trade")).to_contain_text(words)
    expect(page.get_by_test_id("trade").get_by_role("heading", name="JSON")).to_be_hidden()


def test_a_lost_trade_says_where_it_was_lost_and_since_when(running: Stack, page: Page) -> None:
    lost, received_at = "0197b3c2-5d0e-7a41-8c3f-2b6d9e1f4a99", 1_767_355_200_000_000
    folder = Settings(home=running.home).counters
    losses.name(folder, [Loss(ARCHIVE, received_at, 1, 1, lost, [lost], "2026-01-02T12:00:05.000000Z")])
    owner = folder.stat()
    for file in folder.glob("losses*"):
        os.chown(file, owner.st_uid, owner.st_gid)
    try:
        page.goto(f"{running.url}trade/{lost}")
        trade = page.get_by_test_id("trade")
        expect(trade).to_contain_text("This trade is lost. The ledger has named it since 2026-01-02 12:00:05 UTC.")
        expect(page.get_by_test_id("trace")).to_contain_text("Accepted")
        expect(page.get_by_test_id("trace")).to_contain_text("Named as lost in archive")
        page.goto(f"{running.url}#ledger")
        missing = page.get_by_test_id("ops-ledger").get_by_role("row").filter(has_text="Missing")
        expect(missing).to_have_attribute("data-mark", "bad")
        heading, *cells = missing.locator("th, td.number").all()
        colours = {cell.inner_text(): cell.evaluate("cell => getComputedStyle(cell).color") for cell in cells}
        assert colours.keys() == {"0", "1"}
        bad = heading.evaluate("cell => getComputedStyle(cell).color")
        assert (colours["1"] == bad, colours["0"] == bad) == (True, False), "the consumer without a loss is not red"
    finally:
        losses.settle(folder, "2026-01-02T13:00:00Z")
    page.goto(f"{running.url}#ledger")
    row_of_settled = page.get_by_test_id("ops-ledger").get_by_role("row").filter(has_text="Settled")
    expect(row_of_settled).to_contain_text("1")
    settled = page.get_by_test_id("ops-settled")
    expect(settled).to_contain_text("1 in archive, accepted at 2026-01-02 12:00:00 UTC, settled by an operator at 2026")
    expect(settled.get_by_role("link", name=lost)).to_be_visible()
