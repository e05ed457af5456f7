"""The list in another order than newest first: sorted by the archive, over all of the range."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.trades import post, row
from tests.chaos.reconcile import wait_settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.stack import Stack


def post_amounts(stack: Stack, user: str, amounts: list[str], **changes: str) -> list[str]:
    """Post a trade of a user for each amount, wait until they are archived, and return their ids."""
    posted = [post(stack, userId=user, amountSell=amount, **changes) for amount in amounts]
    wait_settled(stack)
    return posted


def listed(page: Page) -> list[str]:
    ids: list[str] = page.get_by_test_id("row").evaluate_all("rows => rows.map(row => row.dataset.id)")
    return ids


def test_a_sort_by_amount_asks_for_a_currency_and_covers_all_of_the_range(running: Stack, page: Page) -> None:
    largest = post_amounts(running, "whale", ["77000"], currencyFrom="SEK")[0]
    small, large = post_amounts(running, "sorter", ["3", "70000"], currencyFrom="SEK")
    post_amounts(running, "sorter", ["1000000"], currencyFrom="KRW")
    # More than the page has in memory when it opens.
    post_amounts(running, "filler", [str(number + 10) for number in range(250)], currencyFrom="SEK")
    page.goto(running.url)
    wait_live(page)
    expect(row(page, largest)).to_have_count(0)
    page.get_by_test_id("table").get_by_role("button", name="Sold", exact=True).click()
    question = page.get_by_test_id("order-currency")
    expect(question).to_contain_text("Sort by Amount sold, largest first, in which currency?")
    expect(question.get_by_role("combobox")).to_be_focused()
    expect(page.get_by_test_id("list-status")).to_contain_text("Newest first")
    question.get_by_role("combobox").select_option("SEK")
    question.get_by_role("button", name="Sort").click()
    expect(question).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?from=SEK&sort=-amountSell$"))
    expect(page.get_by_test_id("table").get_by_role("columnheader", name="Sold")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(page.get_by_test_id("list-status")).to_contain_text("Sorted by Amount sold, largest first, as of 2")
    expect(page.get_by_test_id("row").first).to_have_attribute("data-id", largest)
    assert listed(page)[:2] == [largest, large]
    page.get_by_test_id("table").focus()
    for _ in range(3):
        page.keyboard.press("End")
        page.wait_for_timeout(300)
    expect(row(page, small)).to_be_visible()
    expect(page.get_by_test_id("end")).to_contain_text("The list ends here.")
    assert listed(page)[-1] == small


def test_a_sort_is_in_the_address_and_back_undoes_it_and_no_other_visit_has_it(running: Stack, page: Page) -> None:
    small, large = post_amounts(running, "linked", ["2", "50"], currencyFrom="DKK")
    page.goto(f"{running.url}?from=DKK&user=linked")
    wait_live(page)
    expect(row(page, large)).to_be_visible()
    page.get_by_test_id("table").get_by_role("button", name="Sold", exact=True).click()
    page.get_by_test_id("table").get_by_role("button", name="Sold", exact=True).click()
    expect(page.get_by_test_id("row").first).to_have_attribute("data-id", small)
    expect(page).to_have_url(re.compile(r"sort=amountSell$"))
    page.reload()
    wait_live(page)
    expect(page.get_by_test_id("table").get_by_role("columnheader", name="Sold")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(page.get_by_test_id("row").first).to_have_attribute("data-id", small)
    page.go_back()
    expect(page.get_by_test_id("table").get_by_role("columnheader", name="Sold")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(page.get_by_test_id("row").first).to_have_attribute("data-id", large)
    page.go_back()
    expect(page.get_by_role("columnheader", name="Time")).to_have_attribute("aria-sort", "descending")
    page.go_forward()
    expect(page.get_by_test_id("table").get_by_role("columnheader", name="Sold")).to_have_attribute(
        "aria-sort", "descending"
    )
    page.goto(running.url)
    wait_live(page)
    expect(page.get_by_role("columnheader", name="Time")).to_have_attribute("aria-sort", "descending")


def test_a_new_trade_is_announced_in_a_sorted_list_and_listed_on_demand(running: Stack, page: Page) -> None:
    small, large = post_amounts(running, "announced", ["1", "9"], currencyFrom="CZK")
    page.goto(f"{running.url}?from=CZK&user=announced&sort=-amountSell")
    wait_live(page)
    expect(page.get_by_test_id("row").first).to_have_attribute("data-id", large)
    middle = post_amounts(running, "announced", ["5"], currencyFrom="CZK")[0]
    expect(page.get_by_test_id("jump")).to_have_text("1 new, show")
    assert listed(page) == [large, small]
    page.get_by_test_id("jump").click()
    expect(row(page, middle)).to_be_visible()
    assert listed(page) == [large, middle, small]
    expect(page.get_by_test_id("jump")).to_be_hidden()


def test_without_column_headers_the_view_menu_sorts(running: Stack, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    small, large = post_amounts(running, "menu", ["2", "99998"])
    page.goto(f"{running.url}?from=EUR&user=menu")
    wait_live(page)
    expect(row(page, large)).to_be_visible()
    view = page.get_by_test_id("view")
    view.get_by_text("View").click()
    view.get_by_label("Sort by").select_option("Amount sold")
    expect(page.get_by_test_id("list-status")).to_contain_text("Sorted by Amount sold")
    expect(page.get_by_test_id("row").first).to_have_attribute("data-id", large)
    view.get_by_label("Order").select_option("smallest first")
    expect(page.get_by_test_id("row").first).to_have_attribute("data-id", small)
