"""One time range governs all of the page: table, figures, count, exports, link and Back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.past import archive_past
from tests.browser.trades import post, row

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.stack import Stack

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def range_button(page: Page, name: str) -> None:
    page.get_by_test_id("range").get_by_role("button", name=name, exact=True).click()


def exported_ids(page: Page) -> list[str]:
    with page.expect_download() as download:
        page.get_by_test_id("export-ndjson").click()
    return re.findall(r'"id":"([^"]+)"', download.value.path().read_text())


def shown_ids(page: Page) -> list[str]:
    ids: list[str] = page.get_by_test_id("row").evaluate_all("rows => rows.map(row => row.dataset.id)")
    return ids


def test_the_range_selects_the_rows_the_count_the_figures_and_the_export(running: Stack, page: Page) -> None:
    ages = (2 * MINUTE, 30 * MINUTE, 5 * HOUR, timedelta(days=3), timedelta(days=30))
    ids = archive_past(running, *((age, {"originatingCountry": "MN"}) for age in ages))
    page.goto(f"{running.url}?country=MN")
    wait_live(page)
    for name, count in (("15m", 1), ("1h", 2), ("24h", 3), ("7d", 4), ("All", 5)):
        range_button(page, name)
        expect(page.get_by_test_id("matches")).to_have_text(f"{count} trade{'s match' if count > 1 else ' matches'}")
        expect(page.get_by_test_id("row")).to_have_count(count)
        assert shown_ids(page) == ids[:count]
        assert exported_ids(page) == ids[:count]
        expect(page.get_by_test_id("pairs").get_by_role("row").filter(has_text="EUR→GBP")).to_contain_text(str(count))
        expect(
            page.get_by_test_id("map").get_by_role("button", name=re.compile(f"^Mongolia: {count} "))
        ).to_be_visible()


def test_a_range_from_one_time_to_another_is_typed_linked_and_undone(running: Stack, page: Page) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    ages = (30 * MINUTE, 90 * MINUTE, 150 * MINUTE)
    ids = archive_past(running, *((age, {"originatingCountry": "KG"}) for age in ages))
    page.goto(f"{running.url}?country=KG&window=24h")
    wait_live(page)
    expect(page.get_by_test_id("row")).to_have_count(3)
    span = page.get_by_test_id("span")
    span.get_by_text("From–to").click()
    span.get_by_label("From").fill("28.11.2026")
    page.keyboard.press("Enter")
    expect(span).to_contain_text("Enter a date such as 2026-11-24")
    span.get_by_label("From").fill(f"{now - 2 * HOUR:%Y-%m-%d %H:%M}")
    span.get_by_label("To").fill(f"{now - HOUR:%Y-%m-%d %H:%M}")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("row")).to_have_count(1)
    assert shown_ids(page) == [ids[1]]
    expect(page.get_by_test_id("matches")).to_have_text("1 trade matches")
    expect(span.locator("summary")).to_contain_text(f"{now - 2 * HOUR:%Y-%m-%d %H:%M} – ")
    link = page.url
    page.go_back()
    expect(page.get_by_test_id("row")).to_have_count(3)
    page.goto(link)
    wait_live(page)
    expect(page.get_by_test_id("row")).to_have_count(1)
    # A trade of today is not in a range of the past.
    post(running, originatingCountry="KG")
    expect(page.get_by_test_id("count")).to_have_attribute("data-value", "1")
    expect(page.get_by_test_id("end")).to_contain_text("This is the first matching trade from ")
    assert shown_ids(page) == [ids[1]]


def test_a_range_without_trades_says_so_and_leads_to_all_of_them(running: Stack, page: Page) -> None:
    (old,) = archive_past(running, (timedelta(days=40), {"originatingCountry": "TM"}))
    page.goto(f"{running.url}?country=TM")
    wait_live(page)
    end = page.get_by_test_id("end")
    expect(end).to_contain_text("No trade matches these filters in the last hour.")
    expect(page.get_by_test_id("matches")).to_have_text("0 trades match")
    expect(page.get_by_test_id("pairs")).to_contain_text("No trades in the last hour.")
    end.get_by_role("button", name="Show all time").click()
    expect(row(page, old)).to_be_visible()
    expect(page).to_have_url(re.compile("window=all"))


def test_trades_of_a_pair_over_an_amount_in_the_last_hour_take_three_actions(running: Stack, page: Page) -> None:
    large = {"currencyFrom": "NOK", "currencyTo": "SEK", "amountSell": 20000, "amountBuy": 14942}
    small = large | {"amountSell": 10, "amountBuy": "7.471"}
    ages = (10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 2 * HOUR)
    ids = archive_past(running, *((age, large) for age in ages), *((age, small) for age in ages))
    page.goto(running.url)
    wait_live(page)
    page.get_by_test_id("pairs").get_by_role("button", name="NOK→SEK").click()
    page.get_by_test_id("fields").locator("summary").click()
    page.get_by_label("Amount sold, min").fill("10,000")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("matches")).to_have_text("3 trades match")
    expect(page.get_by_test_id("chip-min")).to_have_text("Amount sold ≥ 10,000 NOK")
    expect(page.get_by_test_id("row")).to_have_count(3)
    assert shown_ids(page) == exported_ids(page) == ids[:3]
    expect(page.get_by_test_id("series")).to_contain_text("Trades a minute · NOK→SEK")
    expect(page.get_by_test_id("map").locator("circle.dot:not([hidden])")).to_have_attribute(
        "aria-label", re.compile("^France: 3 trades")
    )
