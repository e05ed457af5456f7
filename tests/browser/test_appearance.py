"""The page in light and dark and at every width: nothing overflows, and axe finds no violation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.trades import post, row
from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Literal

    from playwright.sync_api import Browser, Page

    from tests.stack import Stack

pytestmark = pytest.mark.timeout(300)

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
WIDTHS = (360, 390, 768, 1024, 1440)


def close_all(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def open_help(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_test_id("help")).to_be_visible()


def open_operations(page: Page) -> None:
    page.get_by_test_id("ops-open").click()
    expect(page.get_by_test_id("ops-ledger")).to_be_visible()


def open_trade(page: Page) -> None:
    page.get_by_test_id("row").first.click()
    expect(page.get_by_test_id("trace")).to_contain_text("Shown")


def open_filters(page: Page) -> None:
    page.get_by_test_id("fields").locator("summary").click()
    page.get_by_test_id("fields").get_by_label("Country").fill("FR")
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("chip-country")).to_be_visible()


def open_view(page: Page) -> None:
    page.get_by_test_id("view").locator("summary").click()
    expect(page.get_by_test_id("view").get_by_label("Sort by")).to_be_visible()


VIEWS: dict[str, Callable[[Page], None]] = {
    "main": lambda _: None,
    "help": open_help,
    "operations": open_operations,
    "trade": open_trade,
    "view": open_view,
    "filters": open_filters,
}


@pytest.fixture(params=["light", "dark"])
def filled_page(request: pytest.FixtureRequest, running: Stack, chromium: Browser) -> Iterator[Page]:
    """Open the page with trades. The page's content security policy is off, because axe is an inline script."""
    scheme: Literal["light", "dark"] = request.param
    context = chromium.new_context(bypass_csp=True, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(running.url)
    wait_live(page)
    post(running, userId="W" * 64, amountSell="999999999999999999.999999999999")
    expect(row(page, post(running, amountBuy=900))).to_be_visible()
    expect(page.get_by_test_id("pairs")).to_contain_text("EUR→GBP")
    yield page
    context.close()


def violations(page: Page) -> list[str]:
    """Return the violations that axe finds, each with its element."""
    if not AXE.exists():  # deploy/up installs only the packages of the build
        (pytest.fail if os.environ.get("CI") else pytest.skip)("axe is not installed: run `npm ci` in web/")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_no_violation(filled_page: Page, width: int) -> None:
    filled_page.set_viewport_size({"width": width, "height": 900})
    found: list[str] = []
    for name, open_ in VIEWS.items():
        open_(filled_page)
        found += [f"{name}: {violation}" for violation in violations(filled_page)]
        close_all(filled_page)
    assert not found, "\n".join(found)


def test_nothing_is_wider_than_the_window(filled_page: Page) -> None:
    for name, open_ in VIEWS.items():
        open_(filled_page)
        for width in WIDTHS:
            filled_page.set_viewport_size({"width": width, "height": 800})
            assert filled_page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            for dialog in filled_page.locator("dialog[open]").all():
                assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth"), (name, width)
        filled_page.set_viewport_size({"width": 1440, "height": 900})
        close_all(filled_page)
