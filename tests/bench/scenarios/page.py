"""The page in a real Chromium: under a steady load, while wsserver is killed, and with a backlog."""

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
from tests.bench.ledger import wait_settled
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
_KEY_INTERVAL_SECONDS: Final = 0.25
_MAX_DRAIN_SECONDS: Final = 120

_COUNT: Final = "Number(document.querySelector('[data-testid=count]').dataset.value)"
_WAIT_FRAME: Final = """async () => {
    while (window.measured.frames.length === 0) await new Promise(requestAnimationFrame);
}"""
"""The page's content security policy forbids Playwright's own way to wait for an expression."""
_WAIT_COUNTED: Final = f"""(minimum) => new Promise((resolve) => {{
    const poll = () => ({_COUNT} >= minimum ? resolve() : setTimeout(poll, 20));
    poll();
}})"""
_START_RECORDING: Final = """() => {
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
    """Measure frame rate, input latency and heap under a steady load, while a reader moves through the table.

    Args:
        bench: The stack to measure, and how.
        times: Duration of the load, as a multiple of the profile's.
    """
    return [asyncio.run(_steady(bench.stack, times * bench.profile.seconds))]


def counters(bench: Bench) -> list[Result]:
    """Post 100,000 messages as fast as possible, kill wsserver meanwhile, and compare all counts afterwards."""
    return [asyncio.run(_counters(bench.stack, bench.profile.scale_count(100_000)))]


def backlog(bench: Bench) -> list[Result]:
    """Open the page with a backlog of 100,000 messages, and measure its frame rate and input latency meanwhile."""
    count = bench.profile.scale_count(100_000)
    fill(bench.stack, count)
    return [asyncio.run(_backlog(bench.stack, count))]


async def _steady(stack: Stack, seconds: int) -> Result:
    async with _live_page(stack) as page:
        await _wait_today(page)
        producer = await _start_producer(stack, RATE, RATE * (seconds + _WARM_UP_SECONDS))
        await page.wait_for_selector('[data-testid="row"]')
        await page.get_by_test_id("table").focus()
        await asyncio.sleep(_WARM_UP_SECONDS)
        await page.evaluate(_START_RECORDING)
        await _press_keys(page, seconds / 5)
        early_heap = await _heap_bytes(page)
        await _press_keys(page, 4 * seconds / 5)
        late_heap = await _heap_bytes(page)
        responsiveness = await _responsiveness(page)
        accepted = await _accepted(producer)
        await _compare_counts(stack, page)
    figures = [
        Figure("accepted", accepted / (seconds + _WARM_UP_SECONDS), "/s", at_least=RATE),
        *responsiveness,
        Figure(f"heap after {seconds // 5} s", early_heap / 1e6, "MB"),
        Figure(f"heap after {seconds} s", late_heap / 1e6, "MB", at_most=1.2 * early_heap / 1e6),
    ]
    return Result(f"page, {RATE:,}/s single for {seconds} s", figures)


async def _counters(stack: Stack, messages: int) -> Result:
    async with _live_page(stack) as page:
        await _wait_today(page)
        producer = await _start_producer(stack, 1e9, messages)
        await page.evaluate(_WAIT_COUNTED, messages // 3)
        await asyncio.to_thread(lambda: stack.kill(stack.pid("wsserver")))
        accepted = await _accepted(producer)
        assert accepted == messages, f"{accepted} of {messages} were accepted"
        counted = await _compare_counts(stack, page)
    await asyncio.to_thread(stack.wait_ready)  # the counts may match before the new wsserver listens
    assert counted == messages, f"the page counted {counted} of {messages}"
    figure = Figure("counted by the page", counted, "messages", at_least=messages, at_most=messages)
    return Result(f"page, {messages:,} messages, wsserver killed meanwhile", [figure])


async def _backlog(stack: Stack, messages: int) -> Result:
    async with _live_page(stack) as page:
        start = time.monotonic()
        initial_count = int(await page.evaluate(_COUNT))
        await page.evaluate(_START_RECORDING)
        await page.get_by_test_id("table").focus()
        key_presses = asyncio.create_task(_press_keys(page, _MAX_DRAIN_SECONDS))
        await page.evaluate(_WAIT_COUNTED, messages)
        seconds = time.monotonic() - start
        key_presses.cancel()
        responsiveness = await _responsiveness(page, min_frame_rate=None)
        counted = await _compare_counts(stack, page)
    assert counted == messages, f"the page counted {counted} of {messages}"
    rate = (counted - initial_count) / seconds
    figures = [Figure("counted by the page", rate, "/s", at_least=20_000), *responsiveness]
    return Result(f"page, backlog of {messages:,} messages", figures)


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


async def _wait_today(page: Page) -> None:
    """Wait until the page shows today's total."""
    await expect(page.get_by_test_id("today")).not_to_have_text("–")


async def _start_producer(stack: Stack, rate: float, count: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "tests.bench.stream", str(stack.port), str(rate), str(count)]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)


async def _accepted(producer: asyncio.subprocess.Process) -> int:
    """Wait until the producer ends; return how many messages were accepted."""
    return int((await producer.communicate())[0])


async def _press_keys(page: Page, seconds: float) -> None:
    """Move through the table by key, as a reader would."""
    for number in range(round(seconds / _KEY_INTERVAL_SECONDS)):
        await page.keyboard.press("ArrowDown" if number % 4 < 2 else "ArrowUp")
        await asyncio.sleep(_KEY_INTERVAL_SECONDS)


async def _responsiveness(page: Page, min_frame_rate: float | None = 50) -> list[Figure]:
    """Return the frame rate and input latency since recording started."""
    await page.evaluate(_WAIT_FRAME)
    measured = await page.evaluate("window.measured")
    slow_frame_ms = sorted(measured["frames"])[len(measured["frames"]) * 95 // 100]
    return [
        Figure("frame rate, 5th percentile", 1000 / slow_frame_ms, "/s", at_least=min_frame_rate),
        Figure("key press to next paint, maximum", max(measured["inputs"], default=0), "ms", at_most=100),
    ]


async def _heap_bytes(page: Page) -> float:
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    usage: dict[str, Any] = await session.send("Runtime.getHeapUsage")
    await session.detach()
    return float(usage["usedSize"])


async def _compare_counts(stack: Stack, page: Page) -> int:
    """Wait until the page's count of today matches the API's; return how many messages this page has counted."""
    await asyncio.to_thread(wait_settled, stack)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    since = midnight.replace("+00:00", "Z")
    response = await asyncio.to_thread(stack.get, f"/api/stats?since={since}")
    today = response.json["total"]["count"]
    await expect(page.get_by_test_id("today")).to_have_text(f"{today:,}", timeout=30_000)
    return int(await page.evaluate(_COUNT))
