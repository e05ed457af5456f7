"""The page in a real Chromium: a thousand messages a second, and very many that have waited for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from playwright.async_api import async_playwright, expect

from tests.bench.figures import Figure, Result
from tests.bench.ledger import settled
from tests.bench.scenarios.backlog import fill
from tests.chromium import launch_options
from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

    from tests.bench.bench import Bench
    from tests.stack import Stack

RATE: Final = 1000
_WARM_UP_SECONDS: Final = 1
_KEY_EVERY_SECONDS: Final = 0.25
_LONGEST_DRAIN_SECONDS: Final = 120

_COUNT: Final = "Number(document.querySelector('[data-testid=count]').dataset.value)"
_COUNTED: Final = f"""(least) => new Promise((resolve) => {{
    const look = () => ({_COUNT} >= least ? resolve() : setTimeout(look, 20));
    look();
}})"""
_COLLECT: Final = """() => {
    const measured = (window.measured = {frames: [], inputs: []});
    let last = performance.now();
    const frame = (now) => {
        measured.frames.push(now - last);
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => {
        measured.inputs.push(...list.getEntries().map(({duration}) => duration));
    }).observe({type: "event", durationThreshold: 16});
}"""


def steady(bench: Bench, times: int) -> list[Result]:
    """Look at frame times, input delay and heap, while messages come and a reader moves in the table."""
    return [asyncio.run(_steady(bench.stack, times * bench.form.seconds))]


def counters(bench: Bench) -> list[Result]:
    """Post 100,000 as fast as they go, kill the WebSocket server among them, and compare all counts at rest."""
    return [asyncio.run(_counters(bench.stack, bench.form.of(100_000)))]


def drained(bench: Bench) -> list[Result]:
    """Open the page when 100,000 messages wait for it, and look at frame times and input delay while they come."""
    count = bench.form.of(100_000)
    fill(bench.stack, count)
    return [asyncio.run(_drained(bench.stack, count))]


async def _steady(stack: Stack, seconds: int) -> Result:
    async with _live_page(stack) as page:
        await _know_today(page)
        poster = await _stream(stack, RATE, RATE * (seconds + _WARM_UP_SECONDS))
        await page.wait_for_selector('[data-testid="row"]')
        await page.get_by_test_id("table").focus()
        await asyncio.sleep(_WARM_UP_SECONDS)
        await page.evaluate(_COLLECT)
        await _move(page, seconds / 5)
        early = await _heap_bytes(page)
        await _move(page, 4 * seconds / 5)
        late = await _heap_bytes(page)
        responsive = await _responsive(page)
        accepted = await _accepted(poster)
        await _counts_agree(stack, page)
    figures = [
        Figure("accepted", accepted / (seconds + _WARM_UP_SECONDS), "/s", at_least=RATE),
        *responsive,
        Figure(f"heap after {seconds // 5} s", early / 1e6, "MB"),
        Figure(f"heap after {seconds} s", late / 1e6, "MB", at_most=1.2 * early / 1e6),
    ]
    return Result(f"page, {RATE:,}/s single for {seconds} s", figures)


async def _counters(stack: Stack, messages: int) -> Result:
    async with _live_page(stack) as page:
        await _know_today(page)
        poster = await _stream(stack, 1e9, messages)
        await page.evaluate(_COUNTED, messages // 3)
        await asyncio.to_thread(lambda: stack.kill(stack.pid("wsserver")))
        accepted = await _accepted(poster)
        assert accepted == messages, f"{accepted} of {messages} were accepted"
        counted = await _counts_agree(stack, page)
    await asyncio.to_thread(stack.wait_ready)  # The counts can agree before the killed server listens again.
    assert counted == messages, f"the page counted {counted} of {messages}"
    figure = Figure("counted by the page", counted, "messages", at_least=messages, at_most=messages)
    return Result(f"page, {messages:,} messages, wsserver killed among them", [figure])


async def _drained(stack: Stack, messages: int) -> Result:
    async with _live_page(stack) as page:
        begin = time.monotonic()
        early = int(await page.evaluate(_COUNT))
        await page.evaluate(_COLLECT)
        await page.get_by_test_id("table").focus()
        moving = asyncio.create_task(_move(page, _LONGEST_DRAIN_SECONDS))
        await page.evaluate(_COUNTED, messages)
        seconds = time.monotonic() - begin
        moving.cancel()
        responsive = await _responsive(page, frames_at_least=None)
        counted = await _counts_agree(stack, page)
    assert counted == messages, f"the page counted {counted} of {messages}"
    figures = [Figure("counted by the page", (counted - early) / seconds, "/s", at_least=20_000), *responsive]
    return Result(f"page, {messages:,} messages wait for it", figures)


@asynccontextmanager
async def _live_page(stack: Stack) -> AsyncIterator[Page]:
    """Open the page, and wait until it is live."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="en")
        await page.goto(stack.url)
        await page.wait_for_selector('[data-testid="state"][data-state="live"]')
        yield page
        await browser.close()


async def _know_today(page: Page) -> None:
    """Wait until the page has the figures of today."""
    await expect(page.get_by_test_id("today")).not_to_have_text("–")


async def _stream(stack: Stack, rate: float, count: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "tests.bench.stream", str(stack.port), str(rate), str(count)]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)


async def _accepted(poster: asyncio.subprocess.Process) -> int:
    return int((await poster.communicate())[0])


async def _move(page: Page, seconds: float) -> None:
    """Press keys that move in the table, as a reader would."""
    for number in range(round(seconds / _KEY_EVERY_SECONDS)):
        await page.keyboard.press("ArrowDown" if number % 4 < 2 else "ArrowUp")
        await asyncio.sleep(_KEY_EVERY_SECONDS)


async def _responsive(page: Page, frames_at_least: float | None = 50) -> list[Figure]:
    """Give what was collected on how the page kept up with its reader."""
    await page.wait_for_function("window.measured.frames.length > 0")
    measured = await page.evaluate("window.measured")
    slow = sorted(measured["frames"])[len(measured["frames"]) * 95 // 100]
    return [
        Figure("frames, 5th percentile", 1000 / slow, "/s", at_least=frames_at_least),
        Figure("key to next paint, longest", max(measured["inputs"], default=0), "ms", at_most=100),
    ]


async def _heap_bytes(page: Page) -> float:
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    usage: dict[str, Any] = await session.send("Runtime.getHeapUsage")
    await session.detach()
    return float(usage["usedSize"])


async def _counts_agree(stack: Stack, page: Page) -> int:
    """Wait until all is at rest, and hold the page's counters to the API's; give what this page has counted."""
    await asyncio.to_thread(settled, stack)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    query = midnight.replace("+00:00", "Z")
    answer = await asyncio.to_thread(stack.get, f"/api/stats?since={query}")
    today = answer.json["total"]["count"]
    await expect(page.get_by_test_id("today")).to_have_text(f"{today:,}", timeout=30_000)
    return int(await page.evaluate(_COUNT))
