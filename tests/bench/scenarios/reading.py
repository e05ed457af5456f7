"""Reading a large archive: pages and statistics, each through nginx, and a whole export."""

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
"""Over which the messages are spread."""
PAUSE_SECONDS = 0.06
"""Between two questions: nginx lets through 20 a second."""
CHUNK_BYTES = 2**18

PAGES: dict[str, dict[str, str]] = {
    "all": {},
    "user": {"user": "1"},
    "user who is rare": {"user": "19000"},
    "from": {"from": "EUR"},
    "to, least of all": {"to": "ZAR"},
    "from and to": {"from": "EUR", "to": "GBP"},
    "from and to, both rare": {"from": "ZAR", "to": "TRY"},
    "country": {"country": "DE"},
    "country, least of all": {"country": "XK"},
    "country and pair": {"country": "XK", "from": "TRY", "to": "ZAR"},
    "flag": {"flag": "rate-mismatch"},
    "flag that no message has": {"flag": "no-such-flag"},
    "min": {"min": "1000000"},
    "min beyond all": {"min": "999999999999"},
    "min and max": {"min": "1000", "max": "1001"},
    "one word": {"q": "eur"},
    "three words": {"q": "eur gbp de"},
    "a user's beginning": {"q": "1900"},
    "a word that matches none": {"q": "nothing"},
    "1,000 of all": {"limit": "1000"},
}
WINDOWS: dict[str, dict[str, str]] = {
    "15m": {"window": "15m"},
    "1h": {"window": "1h"},
    "24h": {"window": "24h"},
    "7d": {"window": "7d"},
    "30d": {"window": "30d"},
    "365d": {"window": "365d"},
    "24h of a pair": {"window": "24h", "from": "EUR", "to": "GBP"},
    "30d of a pair": {"window": "30d", "from": "EUR", "to": "GBP"},
    "30d of a country": {"window": "30d", "country": "DE"},
}


def questions(bench: Bench, messages: int) -> Result:
    """Ask each question again and again; so many messages are archived, at least."""
    stack, times = bench.stack, max(1, bench.form.seconds // 2)
    half_way = (datetime.now(UTC) - timedelta(days=DAYS / 2)).isoformat().replace("+00:00", "Z")
    deep = {f"{name}, from half way": query | {"until": half_way} for name, query in PAGES.items()}
    pages = {name: _median_ms(stack, "/api/messages", query, times) for name, query in (PAGES | deep).items()}
    windows = {name: _median_ms(stack, "/api/stats", query, times) for name, query in WINDOWS.items()}
    figures = [
        Figure("a page of all, median", pages["all"], "ms", at_most=50),
        _slowest("pages", pages),
        _slowest("windows", windows),
        *_export(stack, messages),
    ]
    return Result(f"{messages:,} messages in {bench.store}", figures)


def _slowest(kind: str, medians: dict[str, float]) -> Figure:
    name = max(medians, key=medians.__getitem__)
    return Figure(f"slowest of {len(medians)} {kind} ({name}), median", medians[name], "ms", at_most=50)


def _median_ms(stack: Stack, path: str, query: dict[str, str], times: int) -> float:
    """Ask again and again over one connection; give the median of the times until the answer was read."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=20)
    found = []
    for _ in range(times):
        begin = time.monotonic()
        connection.request("GET", f"{path}?{urlencode(query)}")
        answer = connection.getresponse()
        body = answer.read()
        found.append(1000 * (time.monotonic() - begin))
        assert answer.status == 200, body
        time.sleep(PAUSE_SECONDS)
    connection.close()
    return statistics.median(found)


def _export(stack: Stack, messages: int) -> list[Figure]:
    """Take the whole archive as CSV, and watch the memory of the process that gives it."""
    worker = psutil.Process(stack.pid("api-query")).children()[0]
    before = _own_bytes(worker)
    samples = [before]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            samples.append(_own_bytes(worker))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    connection.request("GET", "/api/messages?format=csv")
    answer = connection.getresponse()
    lines = 0
    while chunk := answer.read(CHUNK_BYTES):
        lines += chunk.count(b"\n")
    seconds = time.monotonic() - begin
    connection.close()
    done.set()
    watcher.join()
    assert lines >= messages + 1, f"{lines} lines for {messages} messages"
    return [
        Figure("CSV of all", lines / seconds, "rows/s", at_least=50_000),
        Figure("memory of the process that gives it, at most", max(samples) / 1e6, "MB", at_most=100),
        Figure("of which it has taken for the CSV", (max(samples) - before) / 1e6, "MB"),
    ]


def _own_bytes(process: psutil.Process) -> int:
    """Give the memory that is the process's own: what it has resident, less what it shares with the kernel's cache."""
    memory = process.memory_info()
    return int(memory.rss - memory.shared)
