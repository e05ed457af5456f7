"""Latency from POST to browser during an outage of the archive's store."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tests.bench import latency
from tests.bench.bench import BROWSERS, RATE
from tests.bench.clients import Clients
from tests.bench.figures import Figure, Result
from tests.bench.ledger import wait_settled
from tests.bench.queue_depth import depths
from tradewire.queue import ARCHIVE
from tradewire.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.bench import Bench


def outage(bench: Bench) -> list[Result]:
    """Measure before and during an outage, and how soon afterwards everything is archived."""
    stack, seconds = bench.stack, 3 * bench.profile.seconds
    messages = RATE * seconds
    with Clients(stack.port, BROWSERS) as clients:
        before = latency.measure(stack, clients, RATE, messages)
        wait_settled(stack)
        with _store_unavailable(bench):
            during = latency.measure(stack, clients, RATE, messages)
            backlog = depths(stack)[ARCHIVE]
            start = time.monotonic()
        wait_settled(stack)
        catch_up_seconds = time.monotonic() - start
        clients.check_received(2 * messages)
    assert backlog >= messages, "some messages were archived during the outage"
    figures = [
        Figure("POST to browser, median, before", before.median, "ms"),
        Figure("POST to browser, median, during the outage", during.median, "ms"),
        Figure("POST to browser, 99th percentile, before", before.p99, "ms"),
        Figure("POST to browser, 99th percentile, during the outage", during.p99, "ms"),
        Figure("time to archive the backlog", catch_up_seconds, "s", at_most=5),
    ]
    return [Result(f"{RATE}/s single, {BROWSERS} browsers, {bench.store_name} outage of {seconds} s", figures)]


@contextmanager
def _store_unavailable(bench: Bench) -> Iterator[None]:
    """Stop PostgreSQL, or hold the write lock of the stack's SQLite file."""
    if bench.postgres:
        bench.postgres.stop()
        yield
        bench.postgres.start()
        return
    file = Settings(home=bench.stack.home).store.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
