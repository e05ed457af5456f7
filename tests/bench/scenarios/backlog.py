"""Messages that wait while no browser is open, and what happens when one comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.bench.browsers import Browsers
from tests.bench.depth import waiting
from tests.bench.figures import Figure, Result
from tests.bench.ledger import settled
from tests.bench.load import post_all
from tests.support import wait_until
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.bench import Bench
    from tests.stack import Stack

ARCHIVED_WITHIN_SECONDS = 300


def idle(bench: Bench) -> list[Result]:
    """Let 10,000 messages wait, and look at what that costs."""
    count, seconds = bench.form.of(10_000), 3 * bench.form.seconds
    fill(bench.stack, count)
    taken, busy = _disk_bytes(bench.stack.home), _cpu_seconds(bench.stack)
    time.sleep(seconds)
    busy = _cpu_seconds(bench.stack) - busy
    grown = _disk_bytes(bench.stack.home) - taken
    figures = [
        Figure("the whole stack's CPU", 100 * busy / seconds, "% of a core", at_most=1),
        Figure("growth of all that is on the disk", grown, "bytes", at_most=0),
        *drain(bench.stack, count),
    ]
    return [Result(f"no browser, {count:,} messages wait for {seconds} s, then one comes", figures)]


def drained(bench: Bench) -> list[Result]:
    """Let 100,000 messages wait, and open a browser."""
    count = bench.form.of(100_000)
    fill(bench.stack, count)
    return [Result(f"{count:,} messages wait, then a browser comes", drain(bench.stack, count))]


def fill(stack: Stack, count: int) -> None:
    """Post so many single messages with no browser there, and wait until all are archived."""
    settled(stack)
    post_all(stack, count)
    wait_until(lambda: waiting(stack)[ARCHIVE] == 0, "all are archived", ARCHIVED_WITHIN_SECONDS)
    assert waiting(stack)[LIVE] == count, f"{waiting(stack)[LIVE]} of {count} wait"


def drain(stack: Stack, count: int) -> list[Figure]:
    """Open a browser for so many messages that wait. Fails where one does not come, or comes twice."""
    with Browsers(stack.port, 1) as crowd:
        seen = crowd.check(count)
        settled(stack)
        crowd.check(count)
    seconds = (seen.last_ns - seen.begun_ns) / 1e9
    return [
        Figure("first one after hello", (seen.first_ns - seen.welcomed_ns) / 1e6, "ms", at_most=100),
        Figure("shown to it, from its connecting to the last one", count / seconds, "/s", at_least=20_000),
    ]


def _disk_bytes(home: Path) -> int:
    return sum(512 * path.lstat().st_blocks for path in home.rglob("*"))


def _cpu_seconds(stack: Stack) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in stack.processes())
