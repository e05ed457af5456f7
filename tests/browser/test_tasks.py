"""What users come for takes few actions, and needs no pointer."""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.past import archive_past
from tests.browser.trades import post, row
from tests.browser.user import User, expire, exported_ids, refuse_live, shown_ids, tab_to
from tests.chaos.reconcile import wait_settled
from tests.stack import Stack, stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

MINUTE = timedelta(minutes=1)
REASON = "the browsers refused it"
AMOUNT = 10_000


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """Run a stack in which a trade that is not shown expires soon."""
    home = Path(tempfile.mkdtemp(prefix="tw-tasks-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, RATE_LIMIT="off", LIVE_MAX_AGE_SECONDS="10") as started:
        yield started
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def traded(running: Stack) -> dict[str, tuple[timedelta, dict[str, Any]]]:
    """Archive trades of three pairs and of two days, and return age and fields by id."""
    random = Random(1)  # noqa: S311 - the same trades in each run
    trades = []
    for _ in range(120):
        sold, bought = random.choice([("EUR", "GBP"), ("GBP", "EUR"), ("EUR", "USD")])
        amount = random.choice([100, AMOUNT - 1, AMOUNT, AMOUNT + 1, 250_000])
        # Not close to an hour, which passes while the test runs.
        age = random.choice([random.uniform(1, 45), random.uniform(75, 2880)]) * MINUTE
        fields = {"currencyFrom": sold, "currencyTo": bought, "amountSell": amount, "amountBuy": amount, "rate": 1}
        trades.append((age, fields))
    return dict(zip(archive_past(running, *trades), trades, strict=True))


@pytest.fixture
def wanted(traded: dict[str, tuple[timedelta, dict[str, Any]]]) -> list[str]:
    """Return the ids of the last hour's trades EUR→GBP of at least 10,000, newest first, recounted one by one."""
    ages = {
        event_id: age
        for event_id, (age, fields) in traded.items()
        if (fields["currencyFrom"], fields["currencyTo"]) == ("EUR", "GBP")
        and fields["amountSell"] >= AMOUNT
        and age < 60 * MINUTE
    }
    return sorted(ages, key=lambda event_id: ages[event_id])


def token(running: Stack) -> str:
    return (running.home / "operator-token").read_text().strip()


def test_large_trades_of_a_pair_in_the_last_hour_take_four_actions(
    running: Stack, wanted: list[str], page: Page
) -> None:
    page.goto(running.url)
    wait_live(page)
    user = User(page)
    user.click(page.get_by_role("button", name="EUR→GBP"))
    user.click(page.get_by_role("search").get_by_text("Filters", exact=True))
    user.fill(page.get_by_label("Amount sold, min"), "10,000")
    user.press("Enter")
    assert user.actions <= 4
    expect(page.get_by_test_id("matches")).to_have_text(f"{len(wanted)} trades match")
    expect(page.get_by_test_id("row")).to_have_count(len(wanted))
    with page.expect_download() as download:
        page.get_by_role("link", name="NDJSON").click()
    assert shown_ids(page) == exported_ids(download.value.path()) == wanted


def test_the_trade_that_a_customer_asks_about_takes_two_actions(running: Stack, page: Page) -> None:
    event_id = post(running, userId="customer")
    user = User(page)
    user.click(page.get_by_role("searchbox"))
    user.paste(event_id)
    assert user.actions <= 2
    trade = page.get_by_role("dialog")
    expect(trade).to_contain_text("customer")
    expect(trade).to_contain_text("Shown to 1 browser")


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (lambda running: refuse_live(running, REASON), f"Dead letter of live: it could not be processed ({REASON})"),
        (expire, "Expired in live: it was not delivered in time"),
    ],
    ids=["dead-lettered", "expired"],
)
def test_why_a_trade_was_not_shown_takes_two_actions(
    running: Stack, page: Page, why: Callable[[Stack], str], words: str
) -> None:
    event_id = why(running)
    page.goto(running.url)
    wait_live(page)
    user = User(page)
    user.click(page.get_by_role("searchbox"))
    user.paste(event_id)
    assert user.actions <= 2
    history = page.get_by_role("list", name="History")
    expect(history.get_by_role("listitem")).to_contain_text(["Accepted", words], use_inner_text=True)
    expect(history).to_contain_text("Archived")
    expect(history).not_to_contain_text("Shown")


def test_whether_anything_is_lost_takes_no_action(running: Stack, page: Page) -> None:
    post(running)
    wait_settled(running)
    expect(page.get_by_role("banner")).to_contain_text(re.compile(r"\b0 lost · checked \d+ s ago"))


def test_requeueing_a_dead_letter_takes_two_actions_beside_the_token(running: Stack, page: Page) -> None:
    event_id = refuse_live(running, REASON)
    page.goto(running.url)
    wait_live(page)
    user = User(page)
    user.click(page.get_by_role("banner").get_by_role("link", name=re.compile("Dead letters: ")))
    # The page keeps the token until it is closed: these two actions are needed once.
    user.fill(page.get_by_label("Operator token"), token(running))
    user.press("Enter")
    user.click(dead_letter(page, event_id).get_by_role("button", name="Requeue"))
    assert user.actions <= 3 + 1
    expect(page.get_by_test_id("ops-result")).to_contain_text("requeued, and processed.")
    page.keyboard.press("Escape")
    expect(row(page, event_id)).to_be_visible()


def dead_letter(page: Page, event_id: str) -> Any:
    return page.get_by_test_id("dead-letter").filter(has_text=event_id)


def test_a_dead_letter_leads_to_its_trade_and_back_to_the_dead_letters(running: Stack, page: Page) -> None:
    event_id = refuse_live(running, REASON)
    page.goto(f"{running.url}#dead-letters")
    page.get_by_label("Operator token").fill(token(running))
    page.keyboard.press("Enter")
    dead_letter(page, event_id).get_by_role("link", name=f"Trade {event_id}").click()
    expect(page.get_by_role("dialog", name="Trade")).to_contain_text(REASON)
    page.go_back()
    expect(dead_letter(page, event_id)).to_be_visible()


def test_the_keyboard_filters_exports_and_opens_trades(running: Stack, wanted: list[str], page: Page) -> None:
    page.goto(running.url)
    wait_live(page)
    tab_to(page, page.get_by_role("search").get_by_text("Filters", exact=True))
    page.keyboard.press("Enter")
    for label, text in (("Sold", "EUR"), ("Bought", "GBP"), ("Amount sold, min", "10,000")):
        tab_to(page, page.get_by_test_id("fields").get_by_label(label, exact=True))
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("matches")).to_have_text(f"{len(wanted)} trades match")
    expect(page.get_by_test_id("row")).to_have_count(len(wanted))
    tab_to(page, page.get_by_role("link", name="NDJSON"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert exported_ids(download.value.path()) == wanted
    tab_to(page, page.get_by_role("grid"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text(wanted[1])
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid")).to_be_focused()


def test_the_keyboard_finds_a_trade_by_its_id_and_why_it_was_not_shown(running: Stack, page: Page) -> None:
    event_id = refuse_live(running, REASON)
    page.keyboard.press("/")
    page.keyboard.type(event_id)
    expect(page.get_by_role("list", name="History")).to_contain_text(REASON)
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_the_keyboard_leads_from_the_verdict_to_the_ledger_and_back(running: Stack, page: Page) -> None:
    wait_settled(running)
    verdict = page.get_by_role("link", name=re.compile("0 lost"))
    tab_to(page, verdict)
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Ledger")).to_be_focused()
    page.keyboard.press("Escape")
    expect(verdict).to_be_focused()


def test_the_keyboard_requeues_a_dead_letter(running: Stack, page: Page) -> None:
    event_id = refuse_live(running, REASON)
    page.goto(running.url)
    wait_live(page)
    tab_to(page, page.get_by_role("banner").get_by_role("link", name=re.compile("Dead letters: ")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Dead letters")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type(token(running))
    page.keyboard.press("Enter")
    expect(dead_letter(page, event_id)).to_be_visible()
    tab_to(page, dead_letter(page, event_id).get_by_role("button", name="Requeue"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("ops-result")).to_contain_text("requeued, and processed.")
