"""The live path: what is measured, each scenario a function that gives its figures."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.bench.browsers import connect
from tests.bench.load import BROWSERS, CONNECTIONS, Figure, delays, post_evenly, replaced, shown, wrk
from tests.support import ROOT, connects, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.stack import Stack


async def run(stack: Stack, seconds: int) -> list[Figure]:
    """Run every scenario, one after the other."""
    return [
        *await throughput(stack, seconds),
        *await latency(stack, 10, seconds, "median < 4, 99th < 15"),
        *await latency(stack, 300, seconds, "99th < 40"),
        *await waiting(stack, min(60, 3 * seconds)),
    ]


async def throughput(stack: Stack, seconds: int) -> list[Figure]:
    """Single POSTs as fast as they go, against an empty view behind the same nginx and gunicorn."""
    scenario = f"single POSTs, {CONNECTIONS} connections, {BROWSERS} browsers"
    with _empty_view(stack):
        _, baseline = await wrk(stack, seconds)
    browsers = await connect(stack.port, BROWSERS)
    begin = time.monotonic()
    accepted, rate = await wrk(stack, seconds)
    await shown(browsers, accepted)
    shown_rate = accepted / (time.monotonic() - begin)
    for browser in browsers:
        browser.close()
    return [
        Figure(scenario, "empty view (baseline)", baseline, "/s"),
        Figure(scenario, "accepted", rate, "/s", "≥ 2,500"),
        Figure(scenario, "shown, the last one included", shown_rate, "/s", "≥ 2,500"),
        Figure(scenario, "accepted, of the empty view", 100 * rate / baseline, "%", "≥ 55"),
    ]


async def latency(stack: Stack, browsers: int, seconds: int, target: str) -> list[Figure]:
    """From the moment before the POST to the moment a browser has read it, at 50 a second."""
    scenario = f"50/s single, {browsers} browsers"
    found = await delays(stack, browsers, seconds)
    return [
        Figure(scenario, "POST to browser, median", statistics.median(found), "ms", target),
        Figure(scenario, "POST to browser, 99th percentile", found[len(found) * 99 // 100], "ms"),
    ]


async def waiting(stack: Stack, seconds: int) -> list[Figure]:
    """1,000 messages wait with no browser open; then one comes."""
    scenario = "1,000 messages wait, then a browser comes"
    await post_evenly(stack, 1000, 1000)
    wait_until(lambda: sum(stack.live()[state] for state in ("ready", "reserved")) == 1000, "1,000 wait")
    log = stack.home / "queue"
    before, busy = _bytes(log), _cpu_seconds(stack)
    await asyncio.sleep(seconds)
    grown, busy = _bytes(log) - before, _cpu_seconds(stack) - busy
    begin = time.monotonic_ns()
    (browser,) = await connect(stack.port, 1)
    await shown([browser], 1000)
    done = time.monotonic_ns()
    browser.close()
    assert browser.hello_ns is not None
    assert browser.first_shown_ns is not None
    return [
        Figure(scenario, f"growth of the queue's log in {seconds} s", grown, "bytes", "0"),
        Figure(scenario, "the whole stack's CPU while waiting", 100 * busy / seconds, "% of a core"),
        Figure(
            scenario,
            "first one after hello",
            (browser.first_shown_ns - browser.hello_ns) / 1e6,
            "ms",
            "< 100",
        ),
        Figure(scenario, "all shown after connecting", (done - begin) / 1e6, "ms"),
    ]


@contextmanager
def _empty_view(stack: Stack) -> Iterator[None]:
    """Put a view that does nothing in the API's place, behind the same socket."""
    config = str(ROOT / "deploy/gunicorn.conf.py")
    with replaced(stack, "api", "-m", "gunicorn", "-c", config, "tests.bench.empty:app"):
        wait_until(lambda: connects(stack.home / "sock/api.sock"), "the empty view listens")
        yield
    stack.wait_ready()


def _bytes(folder: Path) -> int:
    return sum(512 * path.stat().st_blocks for path in folder.iterdir())


def _cpu_seconds(stack: Stack) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in stack.processes())
