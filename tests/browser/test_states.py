"""Every panel has a state for everything: loading, first visit, empty, failed, standing still, stalled and paused."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import new_stack, wait_live
from tests.browser.loading import SHIFTS, SIZES, held_answers
from tests.browser.past import archive_past
from tests.browser.test_appearance import violations
from tests.browser.trades import post, row
from tests.support import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.stack import Stack

FIGURES = ("map", "series", "pairs")
PLACES = """() => ["header", "#filters", ".panel", ".panel-tools", ".panel-body", "#table"].flatMap(selector =>
    [...document.querySelectorAll(selector)].map(element => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return [selector, element.id, x, y, width, height].join();
    }))"""


def expect_state(page: Page, state: str, text: str) -> None:
    for name in FIGURES:
        expect(page.get_by_test_id(name)).to_have_attribute("data-state", state)
        expect(page.get_by_test_id(name).locator(".panel-state")).to_contain_text(text)


def open_live(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    wait_live(page)
    return page


def test_before_the_first_trade_the_page_says_what_it_waits_for_and_how_to_post_one(context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    with new_stack() as unused:
        page.goto(f"{unused.url}?window=all")
        wait_live(page)
        empty = page.get_by_test_id("empty")
        expect(empty).to_contain_text("This page waits for the first trade")
        empty.get_by_role("button", name="Copy").click()
        assert f"{unused.url.rstrip('/')}/api/message" in page.evaluate("navigator.clipboard.readText()")
        expect_state(page, "empty", "No trades.")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            expect(empty).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert not violations(page), width
        page.close()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_skeletons_become_content(
    running: Stack, context: BrowserContext, size: tuple[int, int]
) -> None:
    archive_past(running, *((timedelta(minutes=minutes), {}) for minutes in (5, 6, 7)))
    page = context.new_page()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    with held_answers(page):
        page.goto(running.url)
        wait_live(page)
        expect_state(page, "loading", "Loading…")
        expect(page.get_by_test_id("table")).to_have_attribute("aria-busy", "true")
        skeleton = page.locator(".row.placeholder").first.bounding_box()
        assert skeleton
        places = page.evaluate(PLACES)
        assert not violations(page)
        page.evaluate(SHIFTS)
    expect(page.get_by_test_id("row").first).to_be_visible()
    for name in FIGURES:
        expect(page.get_by_test_id(name)).to_have_attribute("data-state", "ready")
    expect(page.get_by_test_id("today")).not_to_have_text("–")
    expect(page.get_by_test_id("verdict")).to_contain_text("lost")
    assert page.evaluate(PLACES) == places
    assert page.get_by_test_id("row").first.bounding_box() == skeleton
    shifts = page.evaluate("window.shifts")
    assert not shifts, "\n".join(shifts)


def test_an_empty_range_leads_to_all_time_and_empty_filters_to_all_trades(
    running: Stack, context: BrowserContext
) -> None:
    (old,) = archive_past(running, (timedelta(days=40), {"originatingCountry": "TM"}))
    page = open_live(context, f"{running.url}?country=TM")
    # The map leaves out the country filter, so that another country can be picked.
    for name in ("series", "pairs"):
        expect(page.get_by_test_id(name)).to_have_attribute("data-state", "empty")
        expect(page.get_by_test_id(name).get_by_role("button", name="Show all time")).to_be_visible()
    assert not violations(page)
    page.get_by_test_id("pairs").get_by_role("button", name="Show all time").click()
    expect(row(page, old)).to_be_visible()
    page.goto(f"{running.url}?window=all&user=nobody-at-all")
    expect_state(page, "empty", "No trades.")
    page.get_by_test_id("end").get_by_role("button", name="Clear filters").click()
    expect(page.get_by_test_id("row").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?window=all$"))


def test_without_a_network_list_and_figures_say_since_when_they_stand_still(
    running: Stack, context: BrowserContext
) -> None:
    page = open_live(context, running.url)
    shown = post(running, userId="shown")
    expect(row(page, shown)).to_be_visible()
    for name in FIGURES:
        expect(page.get_by_test_id(name)).to_have_attribute("data-state", "ready")
    context.set_offline(True)
    expect(page.get_by_test_id("detail")).to_contain_text("retrying")
    expect(page.get_by_test_id("list-status")).to_have_text(re.compile(r"Disconnected since \d\d:\d\d:\d\d UTC\."))
    expect_state(page, "still", "Unchanged since ")
    expect(page.get_by_test_id("alert-bar")).to_contain_text("unreachable")
    expect(row(page, shown)).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not violations(page), width
    context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    wait_live(page)
    expect_state(page, "ready", "")


def test_figures_that_never_came_say_so(running: Stack, context: BrowserContext) -> None:
    page = context.new_page()
    page.route("**/api/stats?*", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(running.url)
    expect_state(page, "failed", "No statistics. The page keeps trying.")
    assert not violations(page)


def test_a_stalled_feed_is_said_above_the_list(running: Stack, context: BrowserContext) -> None:
    page = open_live(context, running.url)
    post(running, userId="before the stall")
    with running.stopped("processors:live-1"):
        post(running, userId="waits")
        expect(page.get_by_test_id("state")).to_have_attribute("data-state", "stalled")
        expect(page.get_by_test_id("list-status")).to_contain_text("Stalled: no new trades arrive.")
        assert not violations(page)
    wait_live(page)


def test_new_trades_that_wait_are_counted_beside_the_reason_and_cover_nothing(
    running: Stack, context: BrowserContext
) -> None:
    page = open_live(context, running.url)
    first = post(running, userId="first")
    expect(row(page, first)).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.get_by_test_id("pause").click()
        post(running, userId="waits")
        jump = page.get_by_test_id("jump")
        expect(jump).to_be_visible()
        button, table = jump.bounding_box(), page.get_by_test_id("table").bounding_box()
        assert button
        assert table
        assert button["y"] + button["height"] <= table["y"], width
        assert not violations(page), width
        jump.click()
        expect(jump).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390, 1024])
def test_the_reason_is_whole_beside_the_number_of_new_trades(
    running: Stack, context: BrowserContext, width: int
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 844})
    reason, jump = page.get_by_test_id("list-status"), page.get_by_test_id("jump")
    for query, text in (("", "Newest first"), ("?sort=-amountSell&from=EUR", "Sorted by Amount sold")):
        page.goto(f"{running.url}{query}")
        wait_live(page)
        post(running, currencyFrom="EUR")
        expect(page.get_by_test_id("row").first).to_be_visible()
        expect(reason).to_contain_text(text)
        place = page.get_by_test_id("table").bounding_box()
        if not query:
            page.get_by_test_id("pause").click()
        post(running, currencyFrom="EUR")
        expect(jump).to_be_visible()
        assert reason.evaluate("({scrollWidth, clientWidth}) => scrollWidth <= clientWidth"), (width, query)
        assert reason.evaluate("element => getComputedStyle(element).textOverflow") == "clip"
        beside, button = reason.bounding_box(), jump.bounding_box()
        assert beside
        assert button
        assert beside["x"] + beside["width"] <= button["x"], (width, query)
        assert button["x"] + button["width"] <= width
        assert page.get_by_test_id("table").bounding_box() == place, "the rows have moved"
    page.close()


@pytest.mark.parametrize("width", [390, 700, 1440])
def test_the_view_menu_offers_the_columns_that_can_be_shown(
    running: Stack, context: BrowserContext, width: int
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(running.url)
    wait_live(page)
    shown = post(running, amountBuy=900)
    expect(row(page, shown)).to_be_visible()
    page.get_by_test_id("view").locator("summary").click()
    menu = page.get_by_test_id("view")
    visible = "cells => cells.filter(cell => cell.checkVisibility()).length"

    def expect_cells(number: int) -> None:
        cells = row(page, shown).locator("> *")
        wait_until(lambda: cells.evaluate_all(visible) == number, f"the row has {number} cells")

    boxes = [box for box in menu.get_by_role("checkbox").all() if box.is_visible()]
    expect_cells(len(boxes))
    for box in boxes:
        box.uncheck()
        expect_cells(len(boxes) - 1)
        box.check()
        expect_cells(len(boxes))
    assert menu.get_by_role("button", name="Reset widths").is_visible() == (width >= 832)
