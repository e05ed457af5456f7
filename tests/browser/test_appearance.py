"""The page in light and dark and at every width: nothing overflows, and axe finds no violation."""

from __future__ import annotations

import os
import re
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

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
WIDTHS = (320, 360, 390, 768, 1024, 1440)


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
        (pytest.fail if os.environ.get("CI") else pytest.skip)("axe is not installed: run deploy/setup --tests")
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


SMALL_TARGETS = """least => [...document.querySelectorAll("a, button, summary, select, input, [role=button]")]
    .filter(target => target.checkVisibility())
    .filter(target => !target.closest("svg, .header, [role=slider], dd:not(.meter dd), .losses"))
    .map(target => [target.type === "checkbox" ? target.closest("label") : target, target])
    .filter(([area]) => area.offsetHeight > 1 && Math.min(area.offsetHeight, area.offsetWidth) < least)
    .map(([area, target]) => `${target.outerHTML.slice(0, 90)} ${area.offsetWidth}x${area.offsetHeight}`)"""


@pytest.mark.parametrize(("width", "least"), [(1440, 24), (390, 24)])
def test_targets_are_large_enough(filled_page: Page, width: int, least: int) -> None:
    filled_page.set_viewport_size({"width": width, "height": 844})
    for name, open_ in VIEWS.items():
        open_(filled_page)
        small = filled_page.evaluate(SMALL_TARGETS, least)
        assert not small, (name, *small)
        close_all(filled_page)


def test_on_a_phone_the_trades_come_first_and_the_main_targets_fit_a_finger(filled_page: Page) -> None:
    filled_page.set_viewport_size({"width": 390, "height": 844})
    first = filled_page.get_by_test_id("row").first.bounding_box()
    assert first
    assert first["y"] < 400
    main = [
        filled_page.get_by_test_id("ops-open"),
        filled_page.get_by_test_id("pause"),
        filled_page.get_by_role("searchbox"),
        filled_page.get_by_test_id("fields").locator("summary"),
        filled_page.get_by_test_id("range").get_by_role("button", name="1h", exact=True),
        filled_page.get_by_test_id("row").first,
    ]
    for target in main:
        box = target.bounding_box()
        assert box
        assert box["height"] >= 44, target
    assert filled_page.locator("#spark").is_visible()


def test_a_few_tabs_lead_to_the_trades(filled_page: Page) -> None:
    filled_page.keyboard.press("Tab")
    expect(filled_page.get_by_role("button", name="Skip to the trades")).to_be_focused()
    filled_page.keyboard.press("Enter")
    expect(filled_page.get_by_test_id("table")).to_be_focused()
    filled_page.evaluate("document.activeElement.blur(); document.getElementById('skip').focus()")
    tabs = 0
    while not filled_page.get_by_test_id("table").evaluate("table => table === document.activeElement"):
        filled_page.keyboard.press("Tab")
        tabs += 1
        assert tabs <= 24


def test_the_title_of_the_chart_is_never_cut(filled_page: Page) -> None:
    series = filled_page.get_by_test_id("series")
    for width in (390, 1024, 1440):
        filled_page.set_viewport_size({"width": width, "height": 900})
        for subject in ("Volume", "Rate", "Trades"):
            series.get_by_role("button", name=subject, exact=True).click()
            caption = series.locator(".caption")
            expect(caption).to_contain_text(subject if subject != "Volume" else "Sold")
            assert caption.evaluate("caption => caption.scrollWidth <= caption.clientWidth"), (width, subject)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_tools_of_a_panel_cover_no_title(filled_page: Page, width: int) -> None:
    filled_page.set_viewport_size({"width": width, "height": 900})
    for panel in filled_page.locator(".panel").all():
        title, tools = panel.locator("h2").bounding_box(), panel.locator(".panel-tools").bounding_box()
        assert title
        assert tools
        assert title["x"] + title["width"] <= tools["x"], panel


@pytest.mark.parametrize("ratio", [1, 2])
def test_a_click_on_the_map_filters_the_country_that_was_pointed_at(
    running: Stack, chromium: Browser, ratio: int
) -> None:
    for country in ("FR", "IE", "GB", "BE", "NL", "LU", "DE", "CH"):
        post(running, originatingCountry=country)
    context = chromium.new_context(device_scale_factor=ratio, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(running.url)
    wait_live(page)
    chart = page.get_by_test_id("map")
    expect(chart.get_by_role("button", name=re.compile("^Luxembourg"))).to_be_visible()
    for name in ("France", "Belgium", "Luxembourg", "Ireland"):
        box = chart.get_by_role("button", name=re.compile(f"^{name}")).bounding_box()
        assert box
        for step in (0.3, 0.5, 0.8):
            page.mouse.move(box["x"] + box["width"] * step + 0.5, box["y"] + box["height"] * step + 0.5)
            pointed = chart.get_by_test_id("map-tooltip").locator("strong").inner_text()
            page.mouse.down()
            page.mouse.up()
            expect(page.get_by_test_id("chip-country")).to_have_text(f"Country: {pointed}")
            page.get_by_test_id("clear").click()
    context.close()
