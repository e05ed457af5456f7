"""A backlog: messages wait in the queue while no browser is connected, then a browser connects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.bench.clients import Clients
from tests.bench.figures import Figure, Result
from tests.bench.ledger import wait_settled
from tests.bench.load import post_all
from tests.bench.queue_depth import depths
from tests.support import wait_until
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.bench import Bench
    from tests.stack import Stack

ARCHIVE_TIMEOUT_SECONDS = 300


def idle(bench: Bench) -> list[Result]:
    """Queue 10,000 messages, and measure the CPU and disk space that a stack without browsers uses meanwhile."""
    count, seconds = bench.profile.scale_count(10_000), 3 * bench.profile.seconds
    fill(bench.stack, count)
    disk_bytes, cpu_seconds = _disk_bytes(bench.stack.home), _cpu_seconds(bench.stack)
    time.sleep(seconds)
    cpu_seconds = _cpu_seconds(bench.stack) - cpu_seconds
    growth_bytes = _disk_bytes(bench.stack.home) - disk_bytes
    figures = [
        Figure("CPU of the whole stack", 100 * cpu_seconds / seconds, "% of a core", at_most=1),
        Figure("growth of disk usage", growth_bytes, "bytes", at_most=0),
        *drain(bench.stack, count),
    ]
    return [Result(f"backlog of {count:,} messages, idle for {seconds} s, then one browser", figures)]


def drained(bench: Bench) -> list[Result]:
    """Queue 100,000 messages, then connect a browser."""
    count = bench.profile.scale_count(100_000)
    fill(bench.stack, count)
    return [Result(f"backlog of {count:,} messages, then one browser", drain(bench.stack, count))]


def fill(stack: Stack, count: int) -> None:
    """Post `count` single messages while no browser is connected, and wait until all are archived."""
    wait_settled(stack)
    post_all(stack, count)
    wait_until(lambda: depths(stack)[ARCHIVE] == 0, "all are archived", ARCHIVE_TIMEOUT_SECONDS)
    waiting = stack.get("/api/ledger").json["tubes"][LIVE]["waiting"]
    assert waiting == count, f"{waiting} of {count} are queued"


def drain(stack: Stack, count: int) -> list[Figure]:
    """Connect a browser to receive a backlog of `count` messages; fail if a message is lost or duplicated."""
    with Clients(stack.port, 1) as clients:
        counts = clients.check_received(count)
        wait_settled(stack)
        clients.check_received(count)
    seconds = (counts.last_event_ns - counts.connect_start_ns) / 1e9
    return [
        Figure("hello to first event", (counts.first_event_ns - counts.last_hello_ns) / 1e6, "ms", at_most=100),
        Figure("shown, from connecting to the last event", count / seconds, "/s", at_least=20_000),
    ]


def _disk_bytes(home: Path) -> int:
    return sum(512 * path.lstat().st_blocks for path in home.rglob("*"))


def _cpu_seconds(stack: Stack) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in stack.processes())
