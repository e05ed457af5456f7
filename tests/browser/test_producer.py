"""The producer of a trade: the page shows it where there is one, and filters by it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.trades import post, row
from tests.integration.conftest import open_queue
from tests.support import TUBES
from tests.unit.helpers import MESSAGE, decode_trade
from tradewire import event

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.stack import Stack


def put(running: Stack, producer: str) -> str:
    """Put a trade with a producer into the queue, as ingest does for the holder of a key. Return its id."""
    id_, now = event.new_id(), datetime.now(UTC)
    with open_queue(running.home) as queue:
        queue.put(event.encode(replace(decode_trade(MESSAGE), producer=producer), id_, now), TUBES)
    return id_


def test_the_producer_is_a_column_a_filter_a_line_of_the_dialog_and_part_of_the_link(
    running: Stack, page: Page
) -> None:
    header = page.get_by_role("columnheader").filter(has_text="Producer")
    view = page.get_by_test_id("view")
    choice = view.get_by_label("Producer", exact=True)
    without = post(running)
    expect(row(page, without)).to_be_visible()
    view.locator("summary").click()
    expect(header).to_have_count(0)
    expect(choice).to_be_hidden()
    page.keyboard.press("Escape")

    of_alpha, of_beta = put(running, "alpha"), put(running, "beta")
    expect(row(page, of_alpha).locator(".field-producer")).to_have_text("alpha")
    expect(row(page, without).locator(".field-producer")).to_have_text("")
    expect(header).to_be_visible()

    page.locator("#fields-open").click()
    field, done = page.locator("#filter-producer"), page.get_by_role("button", name="Done")
    sides = [box["x"] + box["width"] for box in (field.bounding_box(), done.bounding_box()) if box]
    assert sides == [sides[0]] * 2, "the button is at the end of the last line"
    field.fill("alpha")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{running.url}?producer=alpha")
    expect(page.locator("#chips")).to_contain_text("Producer: alpha")
    expect(page.locator("#matches")).to_have_text("1 trade matches")
    expect(page.get_by_test_id("row")).to_have_count(1)

    page.reload()
    wait_live(page)
    expect(page.get_by_test_id("row")).to_have_count(1)
    row(page, of_alpha).click()
    expect(page.locator("#trade-values")).to_contain_text("Produceralpha")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("trade")).to_be_hidden()  # and the address is that of before

    page.goto(running.url)
    expect(row(page, of_beta).locator(".field-producer")).to_have_text("beta")
    view.locator("summary").click()
    choice.uncheck()
    expect(header).to_have_count(0)
