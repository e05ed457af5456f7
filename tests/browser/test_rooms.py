"""The Operations dialog and the API reference have a state for everything: loading, failed and standing still."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.loading import SHIFTS, SIZES, held_answers
from tests.browser.past import archive_past
from tests.browser.test_appearance import violations

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.stack import Stack

ROOMS = {
    "#operations": ("#ops", '[data-testid="ops-components"]'),
    "#ledger": ("#ops", '[data-testid="ops-ledger"]'),
    "api.html": ("#api", "#post-api-message"),
}
"""By address: the element with the state, and content that appears when everything is loaded."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("address", ROOMS)
def test_nothing_moves_in_another_room_when_its_skeleton_becomes_content(
    running: Stack, context: BrowserContext, address: str, size: tuple[int, int]
) -> None:
    archive_past(running, (timedelta(minutes=5), {}))  # without a trade, the page behind the dialog says so
    place, content = ROOMS[address]
    page = context.new_page()
    page.set_viewport_size({"width": size[0], "height": size[1]})
    with held_answers(page):
        page.goto(f"{running.url}{address}")
        expect(page.locator(place)).to_have_attribute("data-state", "loading")
        expect(page.locator(f"{place} > .panel-state")).to_contain_text("Loading…")
        expect(page.locator(content)).to_be_hidden()
        assert not violations(page)
        page.evaluate(SHIFTS)
    expect(page.locator(place)).to_have_attribute("data-state", "ready")
    expect(page.locator(content)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert not violations(page)
    shifts = page.evaluate("window.shifts")
    assert not shifts, "\n".join(shifts)


def test_a_ledger_that_comes_late_moves_nothing_and_is_scrolled_to(running: Stack, context: BrowserContext) -> None:
    page = context.new_page()
    ledger = page.get_by_role("region", name="Ledger")
    with held_answers(page, re.compile("/api/ledger")):
        page.goto(f"{running.url}#ledger")
        expect(ledger).to_have_attribute("data-state", "loading")
        expect(page.get_by_test_id("ops-components")).to_be_visible()
        expect(ledger).not_to_be_focused()
        page.evaluate(SHIFTS)
    expect(ledger).to_be_focused()
    expect(page.get_by_test_id("ops-ledger")).to_be_in_viewport()
    shifts = page.evaluate("window.shifts")
    assert not shifts, "\n".join(shifts)


def test_without_a_network_operations_keeps_what_is_known_and_says_since_when(
    running: Stack, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(f"{running.url}#ledger")
    operations, ledger = page.get_by_test_id("ops"), page.get_by_role("region", name="Ledger")
    expect(ledger).to_have_attribute("data-state", "ready")
    page.evaluate(SHIFTS)
    context.set_offline(True)
    expect(operations).to_contain_text(re.compile(r"Unchanged since \d\d:\d\d:\d\d UTC"))
    expect(ledger).to_have_attribute("data-state", "still")
    expect(page.get_by_test_id("ops-components")).to_contain_text("queue")
    expect(page.get_by_test_id("ops-ledger")).to_contain_text("Accepted")
    assert not violations(page)
    in_dialog = [shift for shift in page.evaluate("window.shifts") if "ops" in shift]
    assert not in_dialog, "\n".join(in_dialog)
    context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(ledger).to_have_attribute("data-state", "ready")


@pytest.mark.parametrize(
    ("pattern", "address", "place"), [("**/readyz", "#operations", "#ops"), ("**/api/ledger", "#ledger", ".ledger")]
)
def test_operations_that_never_came_says_so(
    running: Stack, context: BrowserContext, pattern: str, address: str, place: str
) -> None:
    page = context.new_page()
    page.route(pattern, lambda route: route.fulfill(status=502, body="no JSON"))
    page.goto(f"{running.url}{address}")
    expect(page.locator(place)).to_have_attribute("data-state", "failed")
    expect(page.locator(f"{place} > .panel-state")).to_contain_text(re.compile("keeps trying|Trying again"))
    assert not violations(page)


def test_a_reference_that_did_not_come_is_asked_for_again(running: Stack, context: BrowserContext) -> None:
    page = context.new_page()
    page.route("**/api/openapi.json", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(f"{running.url}api.html")
    reference = page.get_by_test_id("api")
    expect(reference).to_have_attribute("data-state", "failed")
    expect(reference).to_contain_text("could not be loaded")
    assert not violations(page)
    page.unroute("**/api/openapi.json")
    reference.get_by_role("button", name="Try again").click()
    expect(reference).to_have_attribute("data-state", "ready")
    expect(page.locator("#post-api-message")).to_be_visible()


def test_names_in_the_descriptions_of_the_reference_are_code(running: Stack, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{running.url}api.html")
    expect(page.locator("#get-api-stats p code", has_text="basis").first).to_be_visible()
    expect(page.get_by_test_id("api").locator("p", has_text="`")).to_have_count(0)


@pytest.mark.parametrize(("hash_", "name"), [("#ledger", "Ledger"), ("#dead-letters", "Dead letters")])
def test_a_link_to_a_section_of_operations_leads_to_it_in_a_new_page(
    running: Stack, context: BrowserContext, hash_: str, name: str
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{running.url}{hash_}")
    section = page.get_by_role("region", name=name)
    expect(section).to_be_focused()
    heading = section.get_by_role("heading", name=name)
    expect(heading).to_be_in_viewport()
    below, header = heading.bounding_box(), page.locator("#ops-dialog .dialog-header").bounding_box()
    assert below
    assert header
    assert header["y"] + header["height"] <= below["y"]
