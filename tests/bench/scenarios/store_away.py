"""The live path while the archive's store is away."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tests.bench import delays
from tests.bench.bench import BROWSERS, RATE
from tests.bench.browsers import Browsers
from tests.bench.depth import waiting
from tests.bench.figures import Figure, Result
from tests.bench.ledger import settled
from tradewire.queue import ARCHIVE
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.bench import Bench


def latency(bench: Bench) -> list[Result]:
    """Post 50 a second while the store is away for a while; then it comes back."""
    stack, seconds = bench.stack, 3 * bench.form.seconds
    messages = RATE * seconds
    with Browsers(stack.port, BROWSERS) as crowd:
        before = delays.measure(stack, crowd, RATE, messages)
        settled(stack)
        with _away(bench):
            during = delays.measure(stack, crowd, RATE, messages)
            waited = waiting(stack)[ARCHIVE]
            begin = time.monotonic()
        settled(stack)
        caught_up = time.monotonic() - begin
        crowd.check(2 * messages)
    assert waited >= messages, "all of them wait to be archived"
    figures = [
        Figure("POST to browser, median, store there", before.median, "ms"),
        Figure("the same, store away", during.median, "ms"),
        Figure("POST to browser, 99th percentile, store there", before.p99, "ms"),
        Figure("the same, store away", during.p99, "ms"),
        Figure("all archived after its return", caught_up, "s", at_most=5),
    ]
    return [Result(f"{RATE}/s single, {BROWSERS} browsers, {bench.store} away for {seconds} s", figures)]


@contextmanager
def _away(bench: Bench) -> Iterator[None]:
    """Stop PostgreSQL, or hold the lock on the stack's SQLite file that whoever writes needs."""
    if bench.server:
        bench.server.stop()
        yield
        bench.server.start()
        return
    file = Settings(home=bench.stack.home).store.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None, timeout=20)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
