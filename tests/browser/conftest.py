"""A real Chromium, looking at a real stack."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.chromium import launch_options
from tests.stack import Stack, stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """Run one stack for all tests of a module."""
    home = Path(tempfile.mkdtemp(prefix="tw-page-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, RATE_LIMIT="off", BATCH_RATE_LIMIT="off") as started:
        yield started
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run the distribution's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        yield browser
        browser.close()


@pytest.fixture
def page(running: Stack, chromium: Browser) -> Iterator[Page]:
    """Open the page, wait until it is live, and hold it to an empty console."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    console: list[str] = []
    failed: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: console.append(said.text))
    page.on("requestfailed", lambda request: failed.append(f"{request.url}: {request.failure}"))
    page.goto(running.url)
    try:
        wait_live(page)
    except PlaywrightTimeoutError:
        state = page.get_by_test_id("state").evaluate("element => element.outerHTML")
        seen = json.dumps({"state": state, "errors": errors, "console": console, "failed": failed}, indent=1)
        pytest.fail(f"the page did not get live:\n{seen}\n{running.supervisorctl('status')}\n{running.logs()}")
    yield page
    context.close()
    assert not errors
    assert not [said for said in console if _is_complaint(said)]


def wait_live(page: Page) -> None:
    """Wait until the page is connected."""
    page.wait_for_selector('[data-testid="state"][data-state="live"]')


def _is_complaint(text: str) -> bool:
    """Tell faults of the page from Chromium's word for each refused connection, which tests provoke."""
    return "Content Security Policy" in text or "TrustedHTML" in text or "skipped" in text
