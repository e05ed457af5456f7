"""The page shows posted trades exactly and once, and resumes after failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.trades import post
from tests.chaos.producer import Producer
from tests.chaos.reconcile import wait_settled
from tests.chaos.scenario import Chaos
from tests.support import example, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.stack import Stack


def count(page: Page) -> Locator:
    return page.get_by_test_id("count")


def test_a_posted_trade_is_shown_with_its_exact_amounts(running: Stack, page: Page) -> None:
    event_id = post(running, amountSell="1234567.10", amountBuy="922345.0804")
    row = page.locator(f'[data-testid="row"][data-id="{event_id}"]')
    expect(row).to_contain_text("1,234,567.10")
    expect(row).to_contain_text("922,345.0804")
    expect(count(page)).to_have_attribute("data-value", "1")


def test_a_rounded_amount_is_flagged_in_words(running: Stack, page: Page) -> None:
    event_id = post(running, amountBuy=747.1000000000001, rate=0.7471000000000001)
    row = page.locator(f'[data-testid="row"][data-id="{event_id}"]')
    expect(row.get_by_text("Rounded")).to_have_attribute("title", re.compile("more than 12 digits after the point"))


def test_a_currency_that_the_settings_admit_and_a_withdrawn_one_select_trades(running: Stack, page: Page) -> None:
    for code, placed in (("CNH", "24-JAN-15 10:27:44"), ("DEM", "24-JAN-1999 10:27:44")):
        event_id = post(running, currencyFrom=code, timePlaced=placed)
        page.goto(f"{running.url}?from={code.lower()}")
        expect(page.get_by_test_id("chip-from")).to_have_text(f"Sold: {code}")
        expect(page.locator(f'[data-testid="row"][data-id="{event_id}"]')).to_be_visible()
        assert page.get_by_test_id("row").count() == 1


def test_markup_in_a_user_id_is_shown_as_text(running: Stack, page: Page) -> None:
    event_id = post(running, userId="<script>alert(1)</script><img src=x>")
    row = page.locator(f'[data-testid="row"][data-id="{event_id}"]')
    expect(row).to_contain_text("<script>alert(1)</script><img src=x>")
    assert row.locator("img, script").count() == 0


def test_a_mismatching_rate_is_labelled(running: Stack, page: Page) -> None:
    event_id = post(running, amountBuy=900)
    expect(page.locator(f'[data-testid="row"][data-id="{event_id}"]')).to_contain_text("mismatch")


def test_a_message_posted_again_with_its_key_is_shown_once(running: Stack, page: Page) -> None:
    ids = {running.post(example(userId="once"), Idempotency_Key="the-same-key").json["id"] for _ in range(3)}
    assert len(ids) == 1
    post(running, userId="the next one")
    expect(count(page)).to_have_attribute("data-value", "2")


def test_the_page_resumes_after_a_kill_of_nginx_and_misses_nothing(running: Stack, page: Page) -> None:
    killed = running.pid("nginx")
    with Producer(running.port) as producer:
        Chaos(running, producer).kill("nginx")
    # The orphaned worker serves a little longer, and may cut off a page that is opened meanwhile.
    wait_until(lambda: running.pid("nginx") != killed, "nginx is restarted")
    wait_settled(running)
    page.wait_for_selector('[data-testid="state"][data-state="live"]')
    minimum = len(producer.accepted)
    may_have_arrived = "|".join(str(minimum + more) for more in range(len(producer.unanswered) + 1))
    expect(count(page)).to_have_attribute("data-value", re.compile(f"^({may_have_arrived})$"))
    expect(page.get_by_test_id("gap-notice")).to_be_hidden()


def test_of_many_trades_only_visible_rows_are_in_the_document_and_all_are_counted(running: Stack, page: Page) -> None:
    with Producer(running.port, pause_seconds=0) as producer:
        while len(producer.accepted) < 1100:
            page.wait_for_timeout(50)
    wait_settled(running)
    expect(count(page)).to_have_attribute("data-value", str(len(producer.accepted)))
    assert page.get_by_test_id("row").count() < 100, "only visible rows are in the document"
    # Header and footer count too.
    expect(page.get_by_test_id("table")).to_have_attribute("aria-rowcount", "1002")
