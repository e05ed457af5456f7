"""How soon the page is live in a real Chromium: with open access, and after the login of a local user."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from statistics import median
from typing import TYPE_CHECKING, Final

from playwright.async_api import async_playwright

from tests.bench.bench import SETTINGS, temporary_home
from tests.bench.figures import Figure, Result
from tests.chromium import launch_options
from tests.stack import stack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, BrowserContext, Page

    from tests.bench.bench import Bench
    from tests.stack import Stack

_USER: Final = "alice"
_PASSWORD: Final = "correct horse battery"  # noqa: S105 - of a stack that lives as long as the benchmark
_ROLES: Final = "viewer,exporter,monitor"
"""What everybody may do with open access, and a page uses."""
_MORE_MS: Final = 50
"""The longest time that the check of a session is meant to take."""
_TIMEOUT_MS: Final = 120_000
"""On a machine that others load, too, a page may take that long."""
_LIVE: Final = '[data-testid="state"][data-state="live"]'
_RECORD_LIVE: Final = f"""new MutationObserver((_, observer) => {{
    if (document.querySelector('{_LIVE}')) {{
        globalThis.liveMs = performance.now();
        observer.disconnect();
    }}
}}).observe(document, {{attributes: true, childList: true, subtree: true}})"""
"""Runs before the page's own scripts. The browser's clock begins with the navigation."""


def page(bench: Bench) -> list[Result]:
    """Open the page of both stacks in turn, and compare the times from the navigation to the state live."""
    with temporary_home() as home, stack(home, ACCESS="keys", **SETTINGS) as closed:
        added = closed.deploy("user", "add", _USER, "--role", _ROLES, typed=_PASSWORD)
        assert added.returncode == 0, added.stderr
        return [asyncio.run(_compare(bench.stack, closed, bench.profile.scale_count(100)))]


async def _compare(opened: Stack, closed: Stack, times: int) -> Result:
    open_ms, user_ms = [], []
    async with _chromium() as browser:
        anyone, user = await _context(browser), await _context(browser)
        await _log_in(user, closed)
        await _live_ms(anyone, opened)  # now either browser has the page's files in its cache
        for _ in range(times):
            open_ms.append(await _live_ms(anyone, opened))
            user_ms.append(await _live_ms(user, closed))
    figures = [
        Figure("navigation to live, access open, median", median(open_ms), "ms"),
        Figure("navigation to live, logged-in user, median", median(user_ms), "ms"),
        Figure("more for a logged-in user", median(user_ms) - median(open_ms), "ms", at_most=_MORE_MS),
    ]
    return Result(f"page opens {times} times", figures)


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        yield browser
        await browser.close()


async def _context(browser: Browser) -> BrowserContext:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en")
    await context.add_init_script(_RECORD_LIVE)
    return context


async def _log_in(context: BrowserContext, stack: Stack) -> None:
    page = await context.new_page()
    await page.goto(stack.url)
    await page.get_by_label("User name").fill(_USER)
    await page.get_by_label("Password").fill(_PASSWORD)
    await page.keyboard.press("Enter")
    await _wait_live(page)
    await page.close()


async def _live_ms(context: BrowserContext, stack: Stack) -> float:
    """Open the page in a new tab. Return the milliseconds from the navigation to the state live."""
    page = await context.new_page()
    await page.goto(stack.url, wait_until="commit")
    await _wait_live(page)
    milliseconds = float(await page.evaluate("liveMs"))
    await page.close()
    return milliseconds


async def _wait_live(page: Page) -> None:
    await page.wait_for_selector(_LIVE, timeout=_TIMEOUT_MS)
