"""What is measured, each scenario a function that gives its figures."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.browsers import CountingBrowser, connect
from tests.support import ROOT, connects, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack import Stack

CONNECTIONS = 16
BROWSERS = 10


class Figure(NamedTuple):
    """One line of the table."""

    scenario: str
    name: str
    value: float
    unit: str
    target: str = ""


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
        _, baseline = await _wrk(stack, seconds)
    browsers = await connect(stack.port, BROWSERS)
    begin = time.monotonic()
    accepted, rate = await _wrk(stack, seconds)
    await _shown(browsers, accepted)
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
    arrivals: dict[bytes, list[int]] = {}
    connected = await connect(stack.port, browsers, arrivals)
    count = 50 * seconds
    command = [sys.executable, "-m", "tests.bench.poster", str(stack.port), "50", str(count)]
    poster = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    output, _ = await poster.communicate()
    sent = [line.split() for line in output.splitlines()]
    await _shown(connected, len(sent))
    for browser in connected:
        browser.close()
    delays = sorted((came - int(at)) / 1e6 for update_id, at in sent for came in arrivals[update_id])
    assert len(delays) == len(sent) * browsers, "each message is shown to each browser, once"
    return [
        Figure(scenario, "POST to browser, median", statistics.median(delays), "ms", target),
        Figure(scenario, "POST to browser, 99th percentile", delays[len(delays) * 99 // 100], "ms"),
    ]


async def waiting(stack: Stack, seconds: int) -> list[Figure]:
    """1,000 messages wait with no browser open; then one comes."""
    scenario = "1,000 messages wait, then a browser comes"
    command = [sys.executable, "-m", "tests.bench.poster", str(stack.port), "1000", "1000"]
    poster = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.DEVNULL)
    await poster.wait()
    wait_until(lambda: sum(stack.live()[state] for state in ("ready", "reserved")) == 1000, "1,000 wait")
    log = stack.home / "queue"
    before, busy = _bytes(log), _cpu_seconds(stack)
    await asyncio.sleep(seconds)
    grown, busy = _bytes(log) - before, _cpu_seconds(stack) - busy
    begin = time.monotonic_ns()
    (browser,) = await connect(stack.port, 1)
    await _shown([browser], 1000)
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


async def _wrk(stack: Stack, seconds: int) -> tuple[int, float]:
    """Post as fast as it goes; give how many were answered 201, and how many a second."""
    script = Path(__file__).with_name("post.lua")
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "-s",
        str(script),
        f"{stack.url}api/message",
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output = (await process.communicate())[0].decode()
    assert "Non-2xx" not in output, output
    requests = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert requests, output
    assert rate, output
    return int(requests[1]), float(rate[1])


async def _shown(browsers: list[CountingBrowser], count: int) -> None:
    """Wait until every browser was shown at least so many; fail when nothing comes any more."""
    last, since = -1, time.monotonic()
    while (least := min(browser.shown for browser in browsers)) < count:
        if least != last:
            last, since = least, time.monotonic()
        assert time.monotonic() - since < 10, f"{least} of {count} were shown"
        await asyncio.sleep(0.002)


@contextmanager
def _empty_view(stack: Stack) -> Iterator[None]:
    """Put a view that does nothing in the API's place, as the same user, behind the same socket."""
    stack.supervisorctl("stop", "api")
    owner = (stack.home / "sock").stat()
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TRADEWIRE_HOME": str(stack.home)}
    config = str(ROOT / "deploy/gunicorn.conf.py")
    as_root = os.geteuid() == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", config, "tests.bench.empty:app"],
        cwd=stack.home,
        env=environ,
        stderr=subprocess.DEVNULL,
        user=owner.st_uid if as_root else None,
        group=owner.st_gid if as_root else None,
        extra_groups=[] if as_root else None,
    )
    try:
        wait_until(lambda: connects(stack.home / "sock/api.sock"), "the empty view listens")
        yield
    finally:
        process.terminate()
        process.wait()
        stack.supervisorctl("start", "api")
        stack.wait_ready()


def _bytes(folder: Path) -> int:
    return sum(512 * path.stat().st_blocks for path in folder.iterdir())


def _cpu_seconds(stack: Stack) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in stack.processes())
