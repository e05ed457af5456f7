"""A real Chromium, looking at a real stack."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.stack import Stack, stack
from tests.support import need

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",  # nothing outside loopback is ever contacted
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """Run one stack for all tests of a module."""
    home = Path(tempfile.mkdtemp(prefix="tw-page-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with stack(home, RATE="off") as started:
        yield started
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run the distribution's Chromium."""
    arguments = [*_ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else _ARGUMENTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(running: Stack, chromium: Browser) -> Iterator[Page]:
    """Open the page, wait until it is live, and hold it to an empty console."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said.text) else None)
    page.goto(running.url)
    page.wait_for_selector('[data-testid="state"][data-state="live"]')
    yield page
    context.close()
    assert not complaints


def _is_complaint(text: str) -> bool:
    """Tell faults of the page from Chromium's word for each refused connection, which tests provoke."""
    return "Content Security Policy" in text or "TrustedHTML" in text or "skipped" in text
