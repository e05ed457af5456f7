"""Fixtures: a running stack, and its page in Chromium."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.chromium import launch_options
from tests.stack import Stack, stack

if TYPE_CHECKING:
    from collections.abc import Iterator

expect.set_options(timeout=60_000)  # on a machine with much other work, a page takes long


@contextmanager
def new_stack(**settings: str) -> Iterator[Stack]:
    """Run a stack that no trade has reached, with some settings."""
    home = Path(tempfile.mkdtemp(prefix="tw-page-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off", EXTRA_CURRENCIES="CNH", **settings) as started:
        started.wait_ready()
        yield started
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """Run a stack for all tests of a module."""
    with new_stack() as started:
        yield started


@pytest.fixture(scope="module")
def keyed() -> Iterator[Stack]:
    """Run a stack for all tests of a module that asks for keys, and lets local users log in."""
    with new_stack(ACCESS="keys") as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run the Chromium of the distribution."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def context(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[BrowserContext]:
    """Open a context in which axe, an inline script, may run."""
    made = chromium.new_context(bypass_csp=True, color_scheme=request.param, reduced_motion="reduce")
    yield made
    made.close()


@pytest.fixture
def page(running: Stack, chromium: Browser) -> Iterator[Page]:
    """Open the page, wait until it is live, and fail the test on errors and complaints in its console."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    console: list[str] = []
    failed: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: console.append(message.text))
    page.on("requestfailed", lambda request: failed.append(f"{request.url}: {request.failure}"))
    page.goto(running.url)
    try:
        wait_live(page)
    except PlaywrightTimeoutError:
        state = page.get_by_test_id("state").evaluate("element => element.outerHTML")
        report = json.dumps({"state": state, "errors": errors, "console": console, "failed": failed}, indent=1)
        pytest.fail(f"the page did not get live:\n{report}\n{running.supervisorctl('status')}\n{running.logs()}")
    yield page
    context.close()
    assert not errors
    assert not [text for text in console if _is_complaint(text)]


def wait_live(page: Page) -> None:
    """Wait until the page is connected."""
    page.wait_for_selector('[data-testid="state"][data-state="live"]')


def _is_complaint(text: str) -> bool:
    """Return whether a message is a fault of the page; Chromium also logs refused connections, which tests provoke."""
    return "Content Security Policy" in text or "TrustedHTML" in text or "skipped" in text
