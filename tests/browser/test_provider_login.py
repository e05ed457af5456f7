"""People log in at a real provider with a browser: every state of the page, and a session that ends meanwhile."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.test_appearance import violations
from tests.browser.test_login import ENDED, check_looks
from tests.browser.test_other_sites import other_site
from tests.provider import CLIENT_ID, DESK, SECRET, Provider, provider
from tests.stack import Stack, stack
from tests.support import ROOT, example, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page

RECHECK_SECONDS = 15
REASONS = re.findall(r"^\| `#login=([a-z-]+)` \|", (ROOT / "docs/oidc.md").read_text(), re.MULTILINE)


class Firm:
    """A stack whose people log in at a provider, and a producer's key."""

    def __init__(self, running: Stack, port: int) -> None:
        self.stack = running
        self.provider_port = port
        self.posted = 0
        made = running.deploy("key", "add", "feed", "--role", "producer,monitor")
        [self._token] = re.findall(r"\btw_\S+", made.stdout)

    def post(self, number: int) -> None:
        """Post trades."""
        for _ in range(number):
            assert self.stack.post(example(), X_API_Key=self._token).status == 201
            self.posted += 1

    def component(self) -> tuple[str, str]:
        """Return the status of the provider and its detail, as a monitor sees them; empty while nothing answers."""
        try:
            found = self.stack.get("/readyz", X_API_Key=self._token).json["components"]["provider"]
            return found["status"], found.get("detail", "")
        except (OSError, ValueError, KeyError):
            return "", ""

    def provider(self) -> Any:
        """Run the provider, always at the same address."""
        return provider(self.stack.url.rstrip("/"), self.provider_port)


@pytest.fixture(scope="module")
def firm() -> Iterator[Firm]:
    """Give a stack that starts while its provider is away."""
    home = Path(tempfile.mkdtemp(prefix="tw-oidc-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    port, provider_port = free_port(), free_port()
    secret = home / "oidc-secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)  # for the programs' user; it is a secret of tests
    with stack(
        home,
        port,
        ACCESS="oidc",
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        OIDC_ISSUER=f"http://localhost:{provider_port}",
        OIDC_CLIENT_ID=CLIENT_ID,
        OIDC_CLIENT_SECRET_FILE=str(secret),
        OIDC_SCOPES="openid profile groups",
        GROUP_ROLES="desk=viewer,support=operator",
        RECHECK_SECONDS=str(RECHECK_SECONDS),
        RATE_LIMIT="off",
    ) as running:
        yield Firm(running, provider_port)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def started(firm: Firm) -> Iterator[Provider]:
    """Run the provider, and wait until the stack has seen it."""
    with firm.provider() as running:
        wait_until(lambda: firm.component()[0] == "ok", "the stack has seen the provider", 90, 0.5)
        yield running


def log_in(page: Page, firm: Firm, user: str = "alice") -> None:
    """Log in at the provider, with the keyboard alone."""
    expect(page.get_by_role("button", name=f"Log in with localhost:{firm.provider_port}")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("input[name=login]").fill(user)
    page.locator("input[name=password]").fill("any")
    page.keyboard.press("Enter")


def table(page: Page) -> Locator:
    return page.get_by_test_id("table")


def rows(firm: Firm) -> str:
    """Return the number of rows if each trade is there once: the header and the footer count, too."""
    return str(firm.posted + 2)


def test_while_the_provider_is_away_the_stack_runs_and_says_so(firm: Firm, context: BrowserContext) -> None:
    firm.stack.supervisorctl("restart", "api-query")  # it forgets a provider that was there before
    firm.post(1)
    wait_until(
        lambda: re.search(r"can't be asked: .*refused; nobody can log in", firm.component()[1]),
        "readyz says so",
        60,
        0.5,
    )
    page = context.new_page()
    page.goto(f"{firm.stack.url}?country=GB")
    page.get_by_role("button", name="Log in with").click()
    expect(page.get_by_test_id("login-error")).to_have_text(
        f"localhost:{firm.provider_port} does not answer. Try again in a moment."
    )
    assert page.url == f"{firm.stack.url}?country=GB"


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_for_a_failed_login_has_words_and_axe_finds_nothing(
    firm: Firm, context: BrowserContext, reason: str
) -> None:
    page = context.new_page()
    page.goto(f"{firm.stack.url}#login={reason}")
    expect(page.get_by_test_id("login-error")).to_have_text(re.compile(r"\w.*\."))
    assert page.url == firm.stack.url
    expect(page.get_by_label("Password")).to_be_hidden()
    check_looks(page)


def test_a_person_loses_the_session_while_trades_come_in_and_sees_each_of_them_once_after_the_next_login(
    firm: Firm, started: Provider, chromium: Browser
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{firm.stack.url}?window=all")
    log_in(page, firm)
    wait_live(page)
    assert page.url == f"{firm.stack.url}?window=all"
    expect(page.get_by_test_id("account").locator("summary")).to_have_text(re.compile("alice$"))
    firm.post(5)
    expect(table(page)).to_have_attribute("aria-rowcount", rows(firm))
    before = rows(firm)

    started.set_users()
    expect(page.get_by_test_id("login-reason")).to_have_text(ENDED)
    expect(page.locator('[data-testid="state"]')).to_have_attribute("data-state", "offline")
    firm.post(40)
    page.wait_for_timeout(1000)
    expect(table(page)).to_have_attribute("aria-rowcount", before)

    started.set_users(alice=DESK)
    page.get_by_role("button", name="Log in with").click()
    wait_live(page)  # the provider knows the browser, and asks for no password
    assert page.url == f"{firm.stack.url}?window=all"
    expect(table(page)).to_have_attribute("aria-rowcount", rows(firm))
    expect(page.get_by_test_id("today")).to_have_text(str(firm.posted))
    firm.post(5)
    expect(table(page)).to_have_attribute("aria-rowcount", rows(firm))
    assert not complaints
    context.close()


def test_a_person_logs_out_at_the_provider_too(firm: Firm, started: Provider, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(firm.stack.url)
    log_in(page, firm)
    wait_live(page)
    page.get_by_test_id("account").locator("summary").click()
    check_looks(page)
    page.get_by_role("button", name="Log out", exact=True).click()
    page.wait_for_url(f"{started.url}/session/end?**")
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_test_id("login")).to_be_visible()
    log_in(page, firm)  # the provider asks for the password again
    wait_live(page)


@pytest.mark.usefixtures("started")
def test_images_and_frames_on_another_site_do_not_use_up_a_login_that_has_begun(
    firm: Firm, context: BrowserContext
) -> None:
    page, other = context.new_page(), context.new_page()
    page.goto(firm.stack.url)
    page.get_by_role("button", name="Log in with").click()
    expect(page.locator("input[name=login]")).to_be_visible()
    address = f"{firm.stack.url}api/session/login?return=/"
    statuses: list[int] = []
    other.on("response", lambda response: statuses.append(response.status) if "/login?" in response.url else None)
    with other_site(
        "".join(f'<img src="{address}{n}"><iframe src="{address}{n}"></iframe>' for n in range(15))
    ) as site:
        other.goto(site)
    assert statuses == [403] * len(statuses)  # Chromium does not tell of each frame
    assert len(statuses) >= 15
    page.locator("input[name=login]").fill("alice")
    page.locator("input[name=password]").fill("any")
    page.keyboard.press("Enter")
    wait_live(page)


@pytest.mark.parametrize("is_loaded_anew", [False, True])
def test_a_person_logs_out_while_the_provider_is_away_and_reads_that_the_login_there_goes_on(
    firm: Firm, context: BrowserContext, *, is_loaded_anew: bool
) -> None:
    page = context.new_page()
    with firm.provider():
        wait_until(lambda: firm.component()[0] == "ok", "the stack has seen the provider", 90, 0.5)
        page.goto(firm.stack.url)
        log_in(page, firm)
        wait_live(page)
    firm.stack.supervisorctl("restart", "api-query")
    wait_until(lambda: "can't be asked" in firm.component()[1], "the stack misses the provider", 60, 0.5)
    if is_loaded_anew:
        wait_until(lambda: page.request.get(f"{firm.stack.url}api/session").status == 503, "nothing confirms", 60, 0.5)
        page.reload()
    else:
        page.get_by_test_id("account").locator("summary").click()
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_test_id("login-error")).to_have_text(
        f"You are logged out here. Your login at localhost:{firm.provider_port} goes on: log out there, too, if others "
        "use this browser."
    )
    assert page.url == firm.stack.url
    assert page.request.get(f"{firm.stack.url}api/session").status == 401


def test_a_person_whose_groups_lack_the_page_is_told_so(firm: Firm, started: Provider, context: BrowserContext) -> None:
    started.set_users(bob={"groups": ["support"]}, carl={"groups": ["skiers"]})
    page = context.new_page()
    page.goto(firm.stack.url)
    log_in(page, firm, "bob")
    expect(page.get_by_role("heading", name="No access")).to_be_visible()
    expect(page.get_by_test_id("login-reason")).to_contain_text("You are logged in as bob, with the role operator.")
    expect(page.get_by_test_id("login")).to_contain_text("TRADEWIRE_GROUP_ROLES")
    check_looks(page)
    page.context.clear_cookies()
    page.goto(firm.stack.url)
    log_in(page, firm, "carl")
    expect(page.get_by_test_id("login-error")).to_contain_text("None of your groups has a role here.")
    assert not violations(page)
