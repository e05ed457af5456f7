"""People log in at the page: every state of the login, and a session that ends while trades come in."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import pairwise
from time import sleep
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.test_appearance import violations
from tests.support import example

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

    from tests.stack import Stack

RIGHT = "correct horse battery"
SIZES = ((1440, 900), (390, 844), (320, 640))
ENDED = "Your session ended: log in to go on. Trades go on coming in."


class Desk:
    """A stack with users, and a producer's key."""

    def __init__(self, running: Stack) -> None:
        self.stack = running
        self.posted: list[str] = []
        made = running.deploy("key", "add", "producer", "--role", "producer")
        [self._token] = re.findall(r"\btw_\S+", made.stdout)

    def user(self, *arguments: str) -> None:
        """Run deploy/user."""
        done = self.stack.deploy("user", *arguments, typed=RIGHT)
        assert done.returncode == 0, done.stderr

    def post(self, number: int) -> None:
        """Post trades."""
        for _ in range(number):
            response = self.stack.post(example(), X_API_Key=self._token)
            assert response.status == 201
            self.posted.append(response.json["id"])


@pytest.fixture(scope="module")
def desk(keyed: Stack) -> Desk:
    """Give a stack that the tests share. Each of them has users of its own."""
    return Desk(keyed)


def log_in(page: Page, name: str, typed: str = RIGHT) -> None:
    """Type name and password as a person does, with the keyboard alone."""
    expect(page.get_by_test_id("login")).to_be_visible()
    page.get_by_label("User name").fill(name)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(typed)
    page.keyboard.press("Enter")


def left_of_text(line: Locator) -> float:
    """Return where the text of a line begins, in pixels from the left."""
    left: float = line.evaluate(
        "line => { const text = new Range(); text.selectNodeContents(line); return text.getBoundingClientRect().left; }"
    )
    return left


def check_looks(page: Page) -> None:
    """Check that nothing overflows and that axe finds nothing, at each size."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for dialog in page.locator("dialog[open]").all():
            assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth"), width
        assert not violations(page), width
    page.set_viewport_size({"width": 1440, "height": 900})


def test_each_state_of_the_login_says_what_to_do_and_axe_finds_nothing(
    desk: Desk, context: BrowserContext, request: pytest.FixtureRequest
) -> None:
    name = f"looker-{request.node.callspec.id}"
    desk.user("add", name, "--role", "operator")
    page = context.new_page()
    page.goto(desk.stack.url)
    expect(page.get_by_label("User name")).to_be_focused()
    expect(page.get_by_test_id("login")).to_contain_text("deploy/user add NAME --role viewer")
    check_looks(page)
    for _ in range(2):  # no way around
        page.keyboard.press("Escape")
    expect(page.get_by_test_id("login")).to_be_visible()

    log_in(page, name, "wrong password")
    expect(page.get_by_test_id("login-error")).to_have_text("The name or the password is wrong.")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_value("")
    check_looks(page)

    wait = page.get_by_test_id("login-wait")
    for _ in range(20):  # until the delay is long enough to be looked at
        page.get_by_label("Password").fill("wrong password")
        page.keyboard.press("Enter")
        with suppress(AssertionError):
            expect(wait).to_have_text(re.compile(r"^Try again in ([5-9]|\d\d) s\.$"), timeout=3000)
            break
    expect(page.get_by_test_id("login-error")).to_have_text("Too many attempts to log in have failed.")
    assert not violations(page)
    desk.stack.supervisorctl("restart", "api-query")  # forgets the failures
    desk.stack.wait_ready()

    page.reload()
    log_in(page, name)
    expect(page.get_by_role("heading", name="No access")).to_be_visible()
    expect(page.get_by_test_id("login-reason")).to_contain_text(f"You are logged in as {name}, with the role operator.")
    check_looks(page)
    desk.user("roles", name, "--role", "viewer,operator")
    page.get_by_role("button", name="Check again").click()
    wait_live(page)
    expect(page.get_by_test_id("login")).to_be_hidden()
    page.get_by_test_id("account").locator("summary").click()
    expect(page.get_by_test_id("account")).to_contain_text("Roles: operator, viewer")
    check_looks(page)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        box = page.get_by_test_id("account").locator(".menu-body").bounding_box()
        assert box
        assert box["x"] >= 0, width
        assert box["x"] + box["width"] <= width, width


def test_while_the_server_is_away_the_login_says_so_and_goes_on_by_itself(desk: Desk, context: BrowserContext) -> None:
    with desk.stack.stopped("api-query"):
        page = context.new_page()
        page.goto(desk.stack.url)
        expect(page.get_by_test_id("login-reason")).to_have_text("The server does not answer. The page keeps trying.")
        assert not violations(page)
    expect(page.get_by_test_id("login-reason")).to_be_hidden()


def answer_late(route: Route) -> None:
    """Wait for longer than the page does before it is built."""
    sleep(1)
    route.continue_()


def test_a_page_asks_once_for_its_user_and_only_then_for_the_trades(desk: Desk, chromium: Browser) -> None:
    desk.user("add", "punctual", "--role", "viewer")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(desk.stack.url)
    log_in(page, "punctual")
    wait_live(page)
    for is_slow in (False, True):
        if is_slow:
            page.route("**/api/session", answer_late)
        page.goto(desk.stack.url)
        wait_live(page)
        requests = page.evaluate(
            "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/'))"
            ".map(({ name, startTime, responseEnd }) => [new URL(name).pathname, startTime, responseEnd])"
        )
        paths = [path for path, _, _ in requests]
        assert (paths[0], paths.count("/api/session"), paths.count("/api/messages") > 0) == ("/api/session", 1, True)
        asked = [(start, end) for path, start, end in requests if path == "/api/stats"]
        assert all(end <= start for (_, end), (start, _) in pairwise(asked)), "figures are asked for in turn"
    context.close()


def test_a_page_that_loses_its_session_while_trades_come_in_shows_each_of_them_once(
    desk: Desk, chromium: Browser
) -> None:
    desk.user("add", "trader", "--role", "viewer")
    context = chromium.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{desk.stack.url}?window=all")
    log_in(page, "trader")
    wait_live(page)
    before = len(desk.posted)
    desk.post(5)
    expect(page.get_by_test_id("count")).to_have_text("5")

    desk.user("logout", "trader")
    expect(page.get_by_test_id("login-reason")).to_have_text(ENDED)
    expect(page.locator('[data-testid="state"]')).to_have_attribute("data-state", "offline")
    desk.post(40)
    page.wait_for_timeout(1000)
    assert page.get_by_test_id("count").text_content() == "5"

    expect(page.get_by_label("User name")).to_have_value("trader")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(RIGHT)
    page.keyboard.press("Enter")
    wait_live(page)
    expect(page.get_by_test_id("count")).to_have_text("45")
    desk.post(5)
    expect(page.get_by_test_id("count")).to_have_text("50")
    expect(page.get_by_test_id("gap-notice")).to_be_hidden()
    page.get_by_test_id("table").focus()
    page.keyboard.press("End")
    shown = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name).join()")
    assert RIGHT not in shown
    assert page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])").count("tradewire-") == 0
    assert len(desk.posted) - before == 50
    assert not complaints
    context.close()


def test_logging_out_leaves_nothing_of_the_page_and_ends_other_browsers_if_asked(desk: Desk, chromium: Browser) -> None:
    desk.user("add", "leaver", "--role", "viewer")
    pages = [chromium.new_context().new_page() for _ in range(2)]
    for page in pages:
        page.goto(desk.stack.url)
        log_in(page, "leaver")
        wait_live(page)
    first, second = pages
    first.get_by_test_id("account").locator("summary").click()
    first.get_by_role("button", name="Log out everywhere").click()
    for page in (first, second):
        expect(page.get_by_test_id("login")).to_be_visible()
    expect(first.get_by_label("User name")).to_have_value("")
    expect(first.get_by_test_id("row")).to_have_count(0)
    expect(second.get_by_test_id("login-reason")).to_have_text(ENDED)
    for page in pages:
        page.context.close()


def test_the_page_shows_what_the_roles_allow_and_asks_an_operator_for_no_token(desk: Desk, chromium: Browser) -> None:
    desk.user("add", "reader", "--role", "viewer")
    desk.user("add", "chief", "--role", "viewer,operator,monitor,exporter")
    for name, is_chief in (("reader", False), ("chief", True)):
        page = chromium.new_context().new_page()
        page.goto(desk.stack.url)
        log_in(page, name)
        wait_live(page)
        expect(page.get_by_test_id("account").locator("summary")).to_have_text(re.compile(name))
        for test_id in ("verdict", "waiting", "dead-letters", "export-csv"):
            expect(page.get_by_test_id(test_id)).to_be_visible(visible=is_chief)
        page.get_by_test_id("ops-open").click()
        remark = page.get_by_test_id("ops-dead-letters-remark")
        expect(remark).to_have_text("No dead letters." if is_chief else "Dead letters need the role operator.")
        expect(page.get_by_test_id("token")).to_be_hidden()
        if not is_chief:
            expect(page.get_by_test_id("ops")).to_contain_text("The ledger needs the role monitor or operator.")
            expect(page.get_by_test_id("ops")).to_contain_text("The state of the components needs the role monitor.")
            needs = [remark, page.get_by_test_id("ops").get_by_text("The ledger needs")]
            assert len({left_of_text(each) for each in needs}) == 1
        expect(page.get_by_test_id("alert-bar")).to_be_hidden()
        page.context.close()


def test_the_description_of_the_api_asks_to_log_in_first(desk: Desk, chromium: Browser) -> None:
    page = chromium.new_context().new_page()
    page.goto(f"{desk.stack.url}api.html")
    expect(page.get_by_test_id("api")).to_contain_text("Log in on the live page first, then load this page again.")
    page.context.close()


def test_with_open_access_there_is_no_login_and_no_account(running: Stack, page: Page) -> None:
    assert running.url in page.url
    expect(page.get_by_test_id("login")).to_be_hidden()
    expect(page.get_by_test_id("account")).to_be_hidden()
    expect(page.get_by_test_id("verdict")).to_be_visible()
