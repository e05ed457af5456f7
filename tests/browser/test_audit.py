"""Admins read the audit trail on the page: its filters, its states, and its looks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.test_appearance import violations
from tests.browser.test_login import RIGHT, log_in
from tradewire.audit.trail import Entry, Trail
from tradewire.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

    from tests.stack import Stack

SIZES: Final = ((1440, 900), (1024, 768), (390, 844), (320, 640))
OLD: Final = 250
"""Records in the trail before the page opens, by `robot`."""


COVERED: Final = """() => {
  const state = document.querySelector("#phase").getBoundingClientRect();
  return [...document.querySelectorAll("nav > *")].map((each) => each.getBoundingClientRect()).some((box) =>
    box.left < state.right && state.left < box.right && box.top < state.bottom && state.top < box.bottom);
}"""
"""Whether the navigation covers the state of the feed."""


class Desk:
    """A stack with users, and its trail."""

    def __init__(self, running: Stack) -> None:
        self.stack = running
        settings = Settings(home=running.home)
        self.trail = Trail(settings.audit, settings.audit_key)
        for name, roles in (("ada", "admin,viewer"), ("anna", "admin"), ("vera", "viewer")):
            done = running.deploy("user", "add", name, "--role", roles, typed=RIGHT)
            assert done.returncode == 0, done.stderr
        for number in range(OLD):
            self.append("key-added", "robot", number=number)

    def append(self, action: str, actor: str, result: str = "done", **details: object) -> None:
        """Append a record to the trail."""
        self.trail.append(Entry(action, result, actor, "admin", "10.0.0.7", "6f1c2ab3", details))


@pytest.fixture(scope="module")
def desk(keyed: Stack) -> Desk:
    """Give a stack that the tests share."""
    return Desk(keyed)


def opened(desk: Desk, context: BrowserContext, query: str = "", name: str = "ada") -> tuple[Page, Locator]:
    """Log in on a page whose address names the trail. Return the page, and the records."""
    page = context.new_page()
    page.goto(f"{desk.stack.url}{query}#audit")
    log_in(page, name)
    expect(page.get_by_test_id("audit")).to_be_visible()
    return page, page.get_by_test_id("audit-record")


def check_looks(page: Page) -> None:
    """Check that nothing overflows, that the header covers none of its parts and that axe finds nothing."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
        assert not page.evaluate(COVERED), width
        for dialog in page.locator("dialog[open]").all():
            assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth"), width
        assert not violations(page), width
    page.set_viewport_size({"width": 1440, "height": 900})


def test_an_admin_opens_the_trail_follows_it_and_loads_older_records(desk: Desk, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(desk.stack.url)
    log_in(page, "ada")
    wait_live(page)
    page.get_by_test_id("audit-open").click()
    records = page.get_by_test_id("audit-record")
    expect(records).to_have_count(100)
    expect(records.first).to_contain_text("Log in")
    expect(records.first).to_contain_text("from 127.0.0.1")
    count = len(desk.trail.path.read_bytes().splitlines())
    chain = f"✓ {count:,} records, as they were written."
    expect(page.get_by_test_id("audit-chain")).to_have_text(chain)
    expect(page.get_by_test_id("audit-head")).to_have_text(f"Head: {desk.trail.head().mac}")

    desk.append("messages-exported", "exa", parameters={"user": "user-0123"}, format="csv", rows=7)
    newest = records.first
    expect(newest).to_contain_text("Export messages")
    for text in ("exa", "User: user-0123", "Rows", "7", "6f1c2ab3", "from 10.0.0.7", "✓ Done"):
        expect(newest).to_contain_text(text)
    expect(records).to_have_count(101)

    older = page.get_by_role("button", name="Load older records")
    older.focus()
    page.keyboard.press("Enter")
    expect(records).to_have_count(201)
    expect(older).to_be_focused()
    numbers = [int(n) for n in records.evaluate_all("records => records.map(record => record.dataset.n)")]
    assert numbers == list(range(numbers[0], numbers[0] - 201, -1))
    check_looks(page)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("audit")).to_be_hidden()
    expect(page.get_by_test_id("audit-open")).to_be_focused()
    check_looks(page)


def test_filters_are_in_the_address_and_back_undoes_each(
    desk: Desk, context: BrowserContext, request: pytest.FixtureRequest
) -> None:
    name = f"zoe-{request.node.callspec.id}"
    desk.append("login", name, "refused", reason="locked")
    page, records = opened(desk, context, "?window=24h")
    page.get_by_label("Principal").fill(name)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"\?window=24h&audit-actor={name}#audit$"))
    expect(records).to_have_count(1)
    expect(records.first).to_contain_text("▲ Refused")
    page.get_by_label("Result").select_option("done")
    expect(page.get_by_test_id("audit")).to_contain_text("No such records in the last 24 hours.")
    check_looks(page)
    page.go_back()
    expect(records).to_have_count(1)
    expect(page.get_by_label("Result")).to_have_value("")
    page.get_by_label("Action", exact=True).select_option("key-added")
    expect(records).to_have_count(0)
    page.get_by_label("Words").fill("ROBOT 249")
    page.get_by_test_id("audit-clear").click()
    expect(page.get_by_label("Principal")).to_be_focused()
    page.get_by_label("Words").fill("ROBOT 249")
    page.keyboard.press("Enter")
    expect(records).to_have_count(1)
    expect(records.first).to_contain_text("Add a key")
    page.get_by_test_id("audit").get_by_role("button", name="15m").click()
    expect(page).to_have_url(re.compile(r"\?window=15m&audit-q="))
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("audit")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?window=15m$"))


def test_nobody_but_an_admin_finds_the_trail_and_a_link_to_it_says_so(desk: Desk, context: BrowserContext) -> None:
    page, records = opened(desk, context, name="vera")
    expect(page.get_by_test_id("audit-refusal")).to_have_text("The audit trail needs the role admin.")
    expect(records).to_have_count(0)
    check_looks(page)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("audit-open")).to_be_hidden()


def test_an_admin_needs_no_other_role_and_sees_no_trade(desk: Desk, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(desk.stack.url)
    log_in(page, "anna")
    expect(page.get_by_role("heading", name="No access")).to_be_visible()
    check_looks(page)
    page.get_by_role("link", name="Open the audit trail").click()
    records = page.get_by_test_id("audit-record")
    expect(records.first).to_be_visible()
    check_looks(page)
    page.reload()
    expect(records.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("audit")).to_be_hidden()
    expect(page.get_by_role("heading", name="No access")).to_be_visible()
    expect(page.get_by_test_id("row")).to_have_count(0)


def test_a_trail_that_can_not_be_read_and_a_server_that_is_away_are_told(desk: Desk, context: BrowserContext) -> None:
    page, records = opened(desk, context)
    expect(records).to_have_count(100)
    panel = page.get_by_test_id("audit")
    away = desk.trail.path.with_name("away")
    desk.trail.path.rename(away)
    desk.trail.path.mkdir()
    try:
        expect(panel).to_contain_text("the audit trail can't be read: Is a directory")
        expect(panel).to_contain_text("Unchanged since")
        expect(records).to_have_count(100)
        check_looks(page)
        page.reload()
        expect(panel).to_contain_text("Is a directory. The page keeps trying.")
        check_looks(page)
    finally:
        desk.trail.path.rmdir()
        away.rename(desk.trail.path)
    expect(records).to_have_count(100)

    context.set_offline(True)
    expect(panel).to_contain_text("The server does not answer. Unchanged since")
    context.set_offline(False)
    expect(panel).not_to_contain_text("Unchanged since")


def test_a_session_that_ends_hides_the_trail_and_the_next_log_in_shows_it_again(
    desk: Desk, context: BrowserContext
) -> None:
    page, records = opened(desk, context, "?audit-actor=robot")
    expect(records).to_have_count(100)
    assert desk.stack.deploy("user", "logout", "ada").returncode == 0
    expect(page.get_by_test_id("login")).to_be_visible()
    expect(page.get_by_test_id("audit")).to_be_hidden()
    page.get_by_label("Password").fill(RIGHT)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("audit")).to_be_visible()
    expect(page.get_by_label("Principal")).to_have_value("robot")


def test_with_keys_the_empty_page_shows_how_to_make_a_key_and_post_with_it(desk: Desk, chromium: Browser) -> None:
    page = chromium.new_context().new_page()
    page.goto(f"{desk.stack.url}?window=all")
    log_in(page, "vera")
    empty = page.get_by_test_id("empty")
    expect(empty).to_contain_text("deploy/key add alpha --role producer")
    expect(empty.locator("#example")).to_contain_text('curl -H "Authorization: Bearer $TOKEN" -H')
    expect(page.get_by_test_id("demo-advice")).to_be_hidden()
    page.context.close()


def test_no_public_answer_names_a_folder_of_the_server(desk: Desk) -> None:
    for path in (
        "/",
        "/settings.js",
        "/healthz",
        "/readyz",
        "/readyz/status",
        "/api/session",
        "/api/nowhere",
        "/metrics",
    ):
        assert str(desk.stack.home) not in desk.stack.get(path).body.decode(), path
