"""Queries on a large archive, all through nginx: pages of messages, statistics, and a full export."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import psutil

from tests.bench.figures import Figure, Result

if TYPE_CHECKING:
    from tests.bench.bench import Bench
    from tests.stack import Stack

DAYS = 30
"""Period over which the archived messages are spread."""
PAUSE_SECONDS = 0.06
"""Pause between requests: nginx allows 20 reads a second from one address."""
CHUNK_BYTES = 2**18

PAGES: dict[str, dict[str, str]] = {
    "no filter": {},
    "user": {"user": "1"},
    "rare user": {"user": "19000"},
    "from": {"from": "EUR"},
    "rarest to": {"to": "ZAR"},
    "from and to": {"from": "EUR", "to": "GBP"},
    "rare from and to": {"from": "ZAR", "to": "TRY"},
    "country": {"country": "DE"},
    "rarest country": {"country": "XK"},
    "country and pair": {"country": "XK", "from": "TRY", "to": "ZAR"},
    "flag": {"flag": "rate-mismatch"},
    "flag without matches": {"flag": "no-such-flag"},
    "min": {"min": "1000000"},
    "min without matches": {"min": "999999999999"},
    "min and max": {"min": "1000", "max": "1001"},
    "one word": {"q": "eur"},
    "three words": {"q": "eur gbp de"},
    "user prefix": {"q": "1900"},
    "word without matches": {"q": "nothing"},
    "limit 1,000": {"limit": "1000"},
}
WINDOWS: dict[str, dict[str, str]] = {
    "15m": {"window": "15m"},
    "1h": {"window": "1h"},
    "24h": {"window": "24h"},
    "7d": {"window": "7d"},
    "30d": {"window": "30d"},
    "365d": {"window": "365d"},
    "24h, one pair": {"window": "24h", "from": "EUR", "to": "GBP"},
    "30d, one pair": {"window": "30d", "from": "EUR", "to": "GBP"},
    "30d, one country": {"window": "30d", "country": "DE"},
}


def run(bench: Bench, messages: int) -> Result:
    """Run each query several times; the archive holds at least `messages` messages."""
    stack, repeats = bench.stack, max(1, bench.profile.seconds // 2)
    middle = (datetime.now(UTC) - timedelta(days=DAYS / 2)).isoformat().replace("+00:00", "Z")
    from_middle = {f"{name}, from the middle": query | {"until": middle} for name, query in PAGES.items()}
    pages = {name: _median_ms(stack, "/api/messages", query, repeats) for name, query in (PAGES | from_middle).items()}
    windows = {name: _median_ms(stack, "/api/stats", query, repeats) for name, query in WINDOWS.items()}
    figures = [
        Figure("page without filter, median", pages["no filter"], "ms", at_most=50),
        _slowest("pages", pages),
        _slowest("statistics windows", windows),
        *_export(stack, messages),
    ]
    return Result(f"queries on {messages:,} messages in {bench.store_name}", figures)


def _slowest(kind: str, medians: dict[str, float]) -> Figure:
    name = max(medians, key=medians.__getitem__)
    return Figure(f"slowest of {len(medians)} {kind} ({name}), median", medians[name], "ms", at_most=50)


def _median_ms(stack: Stack, path: str, query: dict[str, str], repeats: int) -> float:
    """Repeat a query over one connection; return the median time until the whole response was read."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=20)
    durations_ms = []
    for _ in range(repeats):
        start = time.monotonic()
        connection.request("GET", f"{path}?{urlencode(query)}")
        response = connection.getresponse()
        body = response.read()
        durations_ms.append(1000 * (time.monotonic() - start))
        assert response.status == 200, body
        time.sleep(PAUSE_SECONDS)
    connection.close()
    return statistics.median(durations_ms)


def _export(stack: Stack, messages: int) -> list[Figure]:
    """Export the whole archive as CSV, and sample the memory of the process that does it."""
    worker = psutil.Process(stack.pid("api-query")).children()[0]
    before = _private_bytes(worker)
    samples = [before]
    is_finished = threading.Event()

    def sample() -> None:
        while not is_finished.wait(0.05):
            samples.append(_private_bytes(worker))

    sampler = threading.Thread(target=sample)
    sampler.start()
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    connection.request("GET", "/api/messages?format=csv")
    response = connection.getresponse()
    lines = 0
    while chunk := response.read(CHUNK_BYTES):
        lines += chunk.count(b"\n")
    seconds = time.monotonic() - start
    connection.close()
    is_finished.set()
    sampler.join()
    assert lines >= messages + 1, f"{lines} lines for {messages} messages"
    return [
        Figure("CSV export", lines / seconds, "rows/s", at_least=50_000),
        Figure("memory of the exporting process, maximum", max(samples) / 1e6, "MB", at_most=100),
        Figure("memory growth during the export", (max(samples) - before) / 1e6, "MB"),
    ]


def _private_bytes(process: psutil.Process) -> int:
    """Return a process's resident memory without the pages that it shares, such as mapped files."""
    memory = process.memory_info()
    return int(memory.rss - memory.shared)
