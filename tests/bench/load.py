"""What the scenarios share: a figure, load, and other programs in the place of a part."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from tests.bench.browsers import CountingBrowser, connect
from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack import Stack

CONNECTIONS = 16
BROWSERS = 10
RATE = 50
"""Messages a second, where it is not as many as will go."""


class Figure(NamedTuple):
    """One line of the table."""

    scenario: str
    name: str
    value: float
    unit: str
    target: str = ""


async def wrk(stack: Stack, seconds: int) -> tuple[int, float]:
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


async def post_evenly(stack: Stack, rate: int, count: int) -> list[tuple[bytes, int]]:
    """Post so many a second; give the id of each that was answered 201, and when its POST began (monotonic, ns)."""
    command = [sys.executable, "-m", "tests.bench.poster", str(stack.port), str(rate), str(count)]
    poster = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    output, _ = await poster.communicate()
    return [(line.split()[0], int(line.split()[1])) for line in output.splitlines()]


async def delays(stack: Stack, browsers: int, seconds: int) -> list[float]:
    """Post 50 a second; give the milliseconds from each POST's beginning to each browser's reading it, sorted."""
    arrivals: dict[bytes, list[int]] = {}
    connected = await connect(stack.port, browsers, arrivals)
    sent = await post_evenly(stack, RATE, RATE * seconds)
    await shown(connected, len(sent))
    for browser in connected:
        browser.close()
    found = sorted((came - at) / 1e6 for update_id, at in sent for came in arrivals[update_id])
    assert len(found) == len(sent) * browsers, "each message is shown to each browser, once"
    return found


async def shown(browsers: list[CountingBrowser], count: int) -> None:
    """Wait until every browser was shown at least so many; fail when nothing comes any more."""
    last, since = -1, time.monotonic()
    while (least := min(browser.shown for browser in browsers)) < count:
        if least != last:
            last, since = least, time.monotonic()
        assert time.monotonic() - since < 10, f"{least} of {count} were shown"
        await asyncio.sleep(0.002)


@contextmanager
def stopped(stack: Stack, *parts: str) -> Iterator[None]:
    """Stop parts for as long as the block lasts."""
    stack.supervisorctl("stop", *parts)
    try:
        yield
    finally:
        stack.supervisorctl("start", *parts)


@contextmanager
def replaced(stack: Stack, part: str, *arguments: str) -> Iterator[None]:
    """Run a Python program in a part's place, as the same user, with the same environment."""
    environ = psutil.Process(stack.pid(part)).environ()
    owner = (stack.home / "sock").stat()
    as_root = os.geteuid() == 0
    with stopped(stack, part):
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=stack.home,
            env=environ,
            stderr=subprocess.DEVNULL,
            user=owner.st_uid if as_root else None,
            group=owner.st_gid if as_root else None,
            extra_groups=[] if as_root else None,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()
