"""The page behind a proxy that logs people in: a feed checked anew, a login that ends, a user without a role."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.test_login import check_looks
from tests.identity_proxy import PASSWORD, USERS, IdentityProxy, proxied_stack
from tests.support import example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext

    from tests.stack import Stack

RECHECK_SECONDS: Final = 5
ENDED: Final = "Your login at the proxy has ended: log in to go on. Trades go on coming in."
WATCH_STATE: Final = """() => {
    globalThis.states = [];
    const state = document.querySelector('[data-testid="state"]');
    new MutationObserver(() => globalThis.states.push(state.dataset.state)).observe(
        state, {attributes: true, attributeFilter: ["data-state"]});
}"""


class Desk:
    """A stack behind the proxy, and a producer's key."""

    def __init__(self, running: Stack, proxy: IdentityProxy) -> None:
        self.proxy = proxy
        self.url = f"http://localhost:{proxy.port}/"
        self._stack = running
        made = running.deploy("key", "add", "producer", "--role", "producer")
        [self._token] = re.findall(r"\btw_\S+", made.stdout)

    def post(self, number: int) -> None:
        """Post trades."""
        for _ in range(number):
            assert self._stack.post(example(), X_API_Key=self._token).status == 201


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Give a stack behind the proxy that the tests share."""
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    settings = {"RECHECK_SECONDS": str(RECHECK_SECONDS), "LOGOUT_URL": "/oauth2/sign_out", "RATE_LIMIT": "off"}
    with proxied_stack(folder, **settings) as (running, proxy):
        yield Desk(running, proxy)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def everybody_may_log_in(desk: Desk) -> Iterator[None]:
    """Let each test begin with all users."""
    desk.proxy.log_in(*USERS)
    yield
    desk.proxy.log_in(*USERS)


def browser_of(user: str, chromium: Browser, **options: object) -> BrowserContext:
    """Open the browser of a user, logged in at the proxy."""
    credentials = {"username": user, "password": PASSWORD}
    return chromium.new_context(http_credentials=credentials, **options)  # type: ignore[arg-type]


def test_a_feed_that_is_checked_anew_shows_each_trade_once_and_its_reader_nothing(
    desk: Desk, chromium: Browser
) -> None:
    context = browser_of("alice", chromium)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{desk.url}?window=all")
    wait_live(page)
    expect(page.get_by_test_id("account").locator("summary")).to_have_text(re.compile("alice$"))
    page.evaluate(WATCH_STATE)
    posted = 0
    while len(sockets) < 4:
        desk.post(5)
        posted += 5
        page.wait_for_timeout(100)
    expect(page.get_by_test_id("count")).to_have_text(f"{posted:,}")
    assert {*page.evaluate("globalThis.states")} == {"live"}
    assert [("offset=" in url, "epoch=" in url) for url in sockets] == [(False, False)] + 3 * [(True, True)]
    expect(page.get_by_test_id("gap-notice")).to_be_hidden()
    assert not complaints
    context.close()


def test_a_page_whose_login_ends_shows_nothing_and_then_goes_on_with_each_trade_once(
    desk: Desk, chromium: Browser
) -> None:
    context = browser_of("alice", chromium, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{desk.url}?window=all")
    wait_live(page)
    desk.post(5)
    expect(page.get_by_test_id("count")).to_have_text("5")

    desk.proxy.log_in("bob")
    expect(page.get_by_test_id("login-reason")).to_have_text(ENDED)
    expect(page.get_by_label("Password")).to_be_hidden()
    expect(page.locator('[data-testid="state"]')).to_have_attribute("data-state", "offline")
    check_looks(page)
    desk.post(40)
    assert page.get_by_test_id("count").text_content() == "5"

    desk.proxy.log_in(*USERS)  # in another window
    expect(page.get_by_test_id("login")).to_be_hidden()
    wait_live(page)
    expect(page.get_by_test_id("count")).to_have_text("45")
    desk.post(5)
    expect(page.get_by_test_id("count")).to_have_text("50")
    expect(page.get_by_test_id("gap-notice")).to_be_hidden()
    context.close()


def test_the_login_is_a_click_away(desk: Desk, chromium: Browser) -> None:
    context = browser_of("alice", chromium)
    page = context.new_page()
    page.goto(f"{desk.url}?from=EUR")
    wait_live(page)
    desk.proxy.log_in("bob")
    log_in = page.get_by_role("button", name="Log in")
    expect(log_in).to_be_focused()
    desk.proxy.log_in(*USERS)
    with page.expect_navigation():  # the page may log in by itself before, and take the button away
        page.locator("#login-reload").dispatch_event("click")
    wait_live(page)
    assert page.url.endswith("?from=EUR")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_user_without_a_role_reads_why(desk: Desk, chromium: Browser, scheme: str) -> None:
    context = browser_of("mallory", chromium, bypass_csp=True, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(desk.url)
    expect(page.get_by_role("heading", name="No access")).to_be_visible()
    expect(page.get_by_test_id("login-reason")).to_have_text(
        "proxy:mallory is in no group that has a role: see TRADEWIRE_GROUP_ROLES."
    )
    expect(page.locator("#login-hint")).to_be_hidden()
    check_looks(page)
    context.close()


def test_logging_out_leads_to_the_proxy(desk: Desk, chromium: Browser) -> None:
    context = browser_of("alice", chromium)
    page = context.new_page()
    page.goto(desk.url)
    wait_live(page)
    page.get_by_test_id("account").locator("summary").click()
    expect(page.get_by_role("button", name="Log out everywhere")).to_be_hidden()
    page.get_by_role("button", name="Log out", exact=True).click()
    page.wait_for_url("**/oauth2/sign_out")
    context.close()
