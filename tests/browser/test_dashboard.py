"""All panels together: filters, links, Back, and keyboard shortcuts."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.past import archive_past
from tests.browser.trades import post, row
from tests.chaos.reconcile import wait_settled
from tests.support import ASK_SECONDS, ROOT, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

    from tests.stack import Stack


def panel(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def chip(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"chip-{name}")


def shown_ids(page: Page) -> list[str]:
    ids: list[str] = page.get_by_test_id("row").evaluate_all("rows => rows.map(row => row.dataset.id)")
    return ids


def country_on_map(page: Page, name: str) -> Locator:
    return panel(page, "map").get_by_role("button", name=re.compile(rf"^{name}: "))


def window(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_a_posted_trade_appears_in_every_panel(running: Stack, page: Page) -> None:
    event_id = post(running, currencyFrom="SEK", currencyTo="ISK", originatingCountry="IS")
    expect(row(page, event_id)).to_contain_text("SEK→ISK")
    expect(country_on_map(page, "Iceland")).to_be_visible()
    expect(panel(page, "pairs")).to_contain_text("SEK→ISK")
    expect(panel(page, "series")).to_contain_text(re.compile(r"message|trade", re.IGNORECASE))
    before = int(page.get_by_test_id("today").inner_text().replace(",", ""))
    post(running)
    expect(page.get_by_test_id("today")).to_have_text(f"{before + 1:,}")


def test_a_click_on_the_map_filters_all_panels_and_a_second_click_removes_the_filter(
    running: Stack, page: Page
) -> None:
    wanted = post(running, originatingCountry="NZ", currencyFrom="NZD", currencyTo="AUD")
    other = post(running, originatingCountry="FR", currencyFrom="EUR", currencyTo="GBP")
    expect(row(page, other)).to_be_visible()
    country_on_map(page, "New Zealand").click()
    expect(chip(page, "country")).to_contain_text("New Zealand")
    expect(row(page, other)).to_have_count(0)
    expect(row(page, wanted)).to_be_visible()
    expect(panel(page, "pairs")).to_contain_text("NZD→AUD")
    expect(panel(page, "pairs")).not_to_contain_text("EUR→GBP")
    country_on_map(page, "New Zealand").click()
    expect(row(page, other)).to_be_visible()


def test_a_click_on_a_pair_filters_all_panels(running: Stack, page: Page) -> None:
    wanted = post(running, currencyFrom="CHF", currencyTo="PLN", originatingCountry="CH")
    other = post(running)
    expect(row(page, other)).to_be_visible()
    panel(page, "pairs").get_by_role("button", name=re.compile("CHF→PLN")).click()
    expect(chip(page, "from")).to_contain_text("CHF")
    expect(chip(page, "to")).to_contain_text("PLN")
    expect(row(page, other)).to_have_count(0)
    expect(row(page, wanted)).to_be_visible()
    later = post(running, currencyFrom="CHF", currencyTo="PLN", originatingCountry="CH")
    expect(row(page, later)).to_be_visible()


def test_stats_of_earlier_filters_are_never_shown_for_new_ones(running: Stack, page: Page) -> None:
    archive_past(running, (timedelta(days=2), {}))  # so that the steps of 7 days are hours
    post(running, currencyFrom="CHF", currencyTo="HUF", originatingCountry="LI")
    expect(country_on_map(page, "Liechtenstein")).to_be_visible()
    held: list[Route] = []
    is_blocked = threading.Event()
    is_blocked.set()

    def intercept(route: Route) -> None:
        if is_blocked.is_set():
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/stats?*", intercept)
    panel(page, "pairs").get_by_role("button", name=re.compile("CHF→HUF")).click()
    expect(panel(page, "series")).to_contain_text("Trades a minute · CHF→HUF")
    expect(panel(page, "series")).to_contain_text("Loading…")
    expect(panel(page, "series")).not_to_contain_text(re.compile(r"\d trades?"))
    expect(panel(page, "map").locator(".panel-state")).to_have_text("Loading…")
    expect(country_on_map(page, "Liechtenstein")).to_have_count(0)
    # The pairs are requested without the pair filter, so that another one can be picked.
    expect(panel(page, "pairs")).to_contain_text("CHF→HUF")
    window(page, "7d").click()
    expect(panel(page, "pairs")).to_contain_text("Loading…")
    is_blocked.clear()
    for route in held:
        route.continue_()
    expect(country_on_map(page, "Liechtenstein")).to_be_visible()
    expect(panel(page, "series")).to_contain_text("Trades an hour · CHF→HUF")


def test_the_filter_bar_finds_trades_by_search_and_amount_also_in_the_archive(running: Stack, page: Page) -> None:
    cheap = post(running, userId="finder", amountSell=5, amountBuy="3.74")
    expensive = post(running, userId="finder", amountSell=5000, amountBuy=3735.5)
    post(running, userId="another")
    expect(row(page, expensive)).to_be_visible()
    page.reload()
    wait_live(page)
    page.get_by_role("searchbox").fill("finder")
    expect(page.get_by_test_id("row")).to_have_count(2)
    page.get_by_test_id("fields").locator("summary").click()
    page.get_by_label("Amount sold, max").fill("1,000.50")
    page.keyboard.press("Tab")
    expect(chip(page, "max")).to_contain_text("≤ 1,000.50 of any currency")
    page.get_by_label("Amount sold, min").fill("2000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The minimum exceeds the maximum.")).to_be_visible()
    page.get_by_label("Amount sold, max").fill("")
    page.keyboard.press("Tab")
    expect(chip(page, "max")).to_have_count(0)
    page.get_by_label("Amount sold, min").fill("100")
    page.keyboard.press("Enter")
    expect(chip(page, "min")).to_be_visible()
    expect(row(page, cheap)).to_have_count(0)
    expect(row(page, expensive)).to_be_visible()
    page.get_by_test_id("clear").click()
    expect(row(page, cheap)).to_be_visible()


def test_a_link_shows_the_same_view_and_back_undoes_each_change(running: Stack, page: Page) -> None:
    wanted = post(running, currencyFrom="GBP", currencyTo="DKK", originatingCountry="GB", userId="linked")
    other = post(running, userId="linked")
    expect(row(page, other)).to_be_visible()
    page.get_by_test_id("filters").get_by_role("button", name="24h").click()
    panel(page, "pairs").get_by_role("button", name=re.compile("GBP→DKK")).click()
    expect(row(page, other)).to_have_count(0)

    assert page.context.browser
    other_context = page.context.browser.new_context()
    same = other_context.new_page()
    same.goto(page.url)
    wait_live(same)
    expect(chip(same, "from")).to_contain_text("GBP")
    expect(chip(same, "to")).to_contain_text("DKK")
    expect(row(same, wanted)).to_be_visible()
    assert shown_ids(same) == shown_ids(page)
    pressed = same.get_by_test_id("filters").get_by_role("button", name="24h")
    expect(pressed).to_have_attribute("aria-pressed", "true")
    other_context.close()

    page.go_back()
    expect(chip(page, "from")).to_have_count(0)
    expect(row(page, other)).to_be_visible()
    expect(page.get_by_test_id("filters").get_by_role("button", name="24h")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(page.get_by_test_id("filters").get_by_role("button", name="1h")).to_have_attribute("aria-pressed", "true")
    page.go_forward()
    page.go_forward()
    expect(chip(page, "to")).to_contain_text("DKK")


def test_keyboard_shortcuts_search_pause_and_open_help(running: Stack, page: Page) -> None:
    expect(row(page, post(running))).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_test_id("help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help")).to_be_hidden()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("pause")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    expect(page.get_by_test_id("pause")).to_have_attribute("aria-pressed", "false")
    # After a click on a button Space still pauses. A button focused by keyboard takes it.
    window(page, "24h").click()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("pause")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    expect(page.get_by_test_id("pause")).to_have_attribute("aria-pressed", "false")
    expect(window(page, "1h")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    page.keyboard.type("? /")
    expect(search).to_have_value("? /")
    expect(page.get_by_test_id("help")).to_be_hidden()


def test_scrolling_down_continues_into_the_archive_to_the_first_trade(running: Stack, page: Page) -> None:
    command = [sys.executable, "-m", "tests.bench.stream", str(running.port), "1e9", "1500"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    total = wait_settled(running)["accepted"]
    page.reload()
    wait_live(page)
    expect(page.get_by_test_id("row").first).to_be_visible()
    table = page.get_by_test_id("table")
    end = page.get_by_test_id("end")
    for _ in range(60):
        table.evaluate("table => table.scrollTo(0, table.scrollHeight)")
        page.wait_for_timeout(100)
        if end.get_attribute("data-status") == "end":
            break
    expect(end).to_contain_text("This is the first trade")
    # The trades, the header and the footer.
    expect(table).to_have_attribute("aria-rowcount", str(total + 2))


def test_trades_that_waited_for_a_page_are_all_counted_once(running: Stack, page: Page) -> None:
    wait_settled(running)
    page.goto("about:blank")
    wait_until(
        lambda: running.get("/readyz").json["components"]["wsserver"]["browsers"] == 0,
        "no page is open",
        pause_seconds=ASK_SECONDS,
    )
    command = [sys.executable, "-m", "tests.bench.stream", str(running.port), "1e9", "3000"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    page.goto(running.url)
    wait_live(page)
    expect(page.get_by_test_id("count")).to_have_attribute("data-value", "3000")
    assert wait_settled(running)["tubes"]["live"]["waiting"] == 0
    expect(page.get_by_test_id("count")).to_have_attribute("data-value", "3000")
    expect(page.get_by_test_id("waiting")).to_have_text("0")
