"""The accessibility tree reads in order, and each name makes sense alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.trades import post, row

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.stack import Stack

NAMED_ROLES = ("button", "link", "region", "table", "grid", "list", "searchbox", "textbox", "slider", "dialog", "form")
NAMELESS = re.compile(rf"^\s*- (?:{'|'.join(NAMED_ROLES)})(?: \[[^]]+\])*:?$", re.MULTILINE)


def test_the_header_says_whether_all_is_well_before_its_controls(page: Page) -> None:
    expect(page.get_by_test_id("verdict")).to_contain_text("checked")
    expect(page.get_by_test_id("dead-letters")).to_have_text("0")
    expect(page.get_by_role("banner")).to_match_aria_snapshot(
        """
        - banner:
          - heading "Tradewire" [level=1]
          - paragraph:
            - status: Live
          - link /0 lost/
          - term: Trades/s
          - definition
          - term: Today
          - definition
          - term: Received
          - definition
          - term: Latency
          - definition
          - term: Waiting
          - definition: "0"
          - term: Dead letters
          - definition:
            - 'link "Dead letters: 0"'
          - navigation "Page":
            - button "Operations"
            - group: Settings
            - link "API"
        """
    )


def test_the_search_lists_active_filters_only_if_there_are_some(running: Stack, page: Page) -> None:
    search = page.get_by_role("search")
    expect(search.get_by_role("searchbox", name="Search the trades")).to_be_visible()
    expect(search.get_by_role("list")).to_have_count(0)
    page.goto(f"{running.url}?from=EUR&min=10000")
    expect(search.get_by_role("list")).to_match_aria_snapshot(
        """
        - list "Active filters":
          - listitem:
            - 'button "Remove filter Sold: EUR"'
          - listitem:
            - button "Remove filter Amount sold ≥ 10,000 EUR"
        """
    )


def test_each_panel_is_a_region_and_the_controls_of_figures_follow_their_headings(running: Stack, page: Page) -> None:
    expect(row(page, post(running))).to_be_visible()
    expect(page.get_by_role("main")).to_match_aria_snapshot(
        """
        - main:
          - region "Countries":
            - group:
              - heading "Countries" [level=2]
              - group "View of countries":
                - button "Map" [pressed]
                - button "Table"
              - group /World map/
          - region "Over time":
            - group:
              - heading "Over time" [level=2]
              - group "Charted value":
                - button "Trades" [pressed]
                - button "Volume"
                - button "Rate"
              - slider /Trades a/
          - region "Pairs":
            - group:
              - heading "Pairs" [level=2]
              - group "View of pairs":
                - button "Ranking" [pressed]
                - button "Matrix"
              - table "Trades by pair"
          - region "Trades":
            - group:
              - heading "Trades" [level=2]
              - grid "Trades by Time, newest first"
            - button "Pause"
            - group: View
            - link "CSV"
            - link "NDJSON"
        """
    )


def test_an_open_trade_reads_from_its_values_to_its_history_and_its_json(running: Stack, page: Page) -> None:
    event_id = post(running)
    row(page, event_id).click()
    trade = page.get_by_role("dialog", name="Trade")
    expect(trade.get_by_role("list", name="History")).to_contain_text("Shown to 1 browser")
    expect(trade).to_match_aria_snapshot(
        """
        - dialog "Trade":
          - heading "Trade" [level=2]
          - button "Close"
          - term: Id
          - definition:
            - link
          - heading "History" [level=3]
          - list "History":
            - listitem: /^Accepted/
            - listitem
            - listitem
          - heading "JSON" [level=3]
          - button "Copy JSON"
        """
    )


def test_operations_reads_from_components_to_the_ledger(page: Page) -> None:
    page.get_by_role("button", name="Operations").click()
    operations = page.get_by_role("dialog", name="Operations")
    expect(operations.get_by_role("rowheader", name="nginx")).to_be_visible()
    expect(operations).to_match_aria_snapshot(
        """
        - dialog "Operations":
          - heading "Operations" [level=2]
          - button "Close"
          - region "Components":
            - table "Components of the stack and their status"
          - region "Programs":
            - table "Programs and their states"
          - region "Queue":
            - table "Tubes of the queue and their jobs"
          - region "Dead letters":
            - paragraph
            - textbox "Operator token"
            - button "Show dead letters"
          - region "Ledger":
            - paragraph
            - table "Outcomes of the accepted messages, by consumer"
        """
    )


def test_every_control_region_and_list_of_every_dialog_has_a_name(running: Stack, page: Page) -> None:
    expect(row(page, post(running))).to_be_visible()
    nameless = {}
    for hash_ in ("", "#operations", "#help"):
        page.goto(f"{running.url}{hash_}")
        expect(page.get_by_test_id("row").first).to_be_attached()
        tree = (page.get_by_role("dialog") if hash_ else page.locator("body")).aria_snapshot()
        nameless[hash_] = NAMELESS.findall(tree)
    assert not any(nameless.values()), nameless
