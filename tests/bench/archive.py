"""The archive beside the live path: what it costs, and what it costs when its store is away."""

from __future__ import annotations

import sqlite3
import statistics
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.bench.browsers import connect
from tests.bench.load import BROWSERS, CONNECTIONS, RATE, Figure, delays, replaced, shown, stopped, wrk
from tests.support import ROOT, connects, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.postgres import Postgres
    from tests.stack import Stack

WARM_SECONDS = 2
"""Not measured: processes that have just been started still import."""
SETTLED_WITHIN_SECONDS = 300


async def run(stack: Stack, server: Postgres | None, seconds: int, turns: int) -> list[Figure]:
    """Run every scenario, one after the other, with the store in `server`, or in the stack's own SQLite.

    The two sides of a comparison take turns, so that what else the machine does meets both.
    """
    store, away = ("PostgreSQL", _stopped_server(server)) if server else ("SQLite", _locked_file(stack))
    return [*await cost(stack, store, seconds, turns), *await store_away(stack, store, away, min(60, 3 * seconds))]


async def cost(stack: Stack, store: str, seconds: int, turns: int) -> list[Figure]:
    """Single POSTs as fast as they go, against the same without the archive's tube, its processor and receipts."""
    scenario = f"single POSTs, {CONNECTIONS} connections, {BROWSERS} browsers, archive in {store}"
    without: list[float] = []
    runs: list[_Run] = []
    for _ in range(turns):
        with _live_only(stack):
            without.append((await _post_and_show(stack, seconds)).accepted)
        runs.append(await _post_and_show(stack, seconds, archived=True))
    accepted = statistics.mean(run.accepted for run in runs)
    baseline = statistics.mean(without)
    return [
        Figure(scenario, "accepted, without the archive (baseline)", baseline, "/s"),
        Figure(scenario, "accepted", accepted, "/s", "≥ 2,500"),
        Figure(scenario, "shown, the last one included", statistics.mean(run.shown for run in runs), "/s", "≥ 2,500"),
        Figure(scenario, "archived, the last one included", statistics.mean(run.archived for run in runs), "/s"),
        Figure(scenario, "waited to be archived when the last was shown", max(run.backlog for run in runs), "jobs"),
        Figure(scenario, "fall of what is accepted", 100 * (1 - accepted / baseline), "%", "≤ 20"),
    ]


async def store_away(stack: Stack, store: str, away: AbstractContextManager[None], seconds: int) -> list[Figure]:
    """Post 50 a second while the store is away for a while; then it comes back."""
    scenario = f"50/s single, {BROWSERS} browsers, {store} away for {seconds} s"
    before = await delays(stack, BROWSERS, seconds)
    settled(stack)
    with away:
        during = await delays(stack, BROWSERS, seconds)
        waited = _waiting(stack)
        begin = time.monotonic()
    settled(stack)
    caught_up = time.monotonic() - begin
    assert waited >= seconds * RATE, "all of them wait to be archived"
    return [
        Figure(scenario, "POST to browser, median, store there", statistics.median(before), "ms"),
        Figure(scenario, "POST to browser, median, store away", statistics.median(during), "ms", "the same"),
        Figure(scenario, "99th percentile, store there", before[len(before) * 99 // 100], "ms"),
        Figure(scenario, "99th percentile, store away", during[len(during) * 99 // 100], "ms", "the same"),
        Figure(scenario, "all archived after its return", caught_up, "s", "< 5"),
    ]


def ledger(stack: Stack) -> dict[str, Any]:
    """Give the ledger, as soon as it can be had."""
    found: dict[str, Any] = {}

    def asked() -> bool:
        answer = stack.get("/api/ledger")
        if answer.status == 200:
            found.update(answer.json)
        else:
            time.sleep(0.05)  # asked too often
        return answer.status == 200

    wait_until(asked, "the ledger can be read")
    return found


def settled(stack: Stack) -> dict[str, Any]:
    """Wait until all is shown and archived; give the ledger of then. A message that is lost fails."""
    found: dict[str, Any] = {}

    def at_rest() -> bool:
        found.update(ledger(stack))
        time.sleep(0.05)
        return bool(found["status"] != "settling" and found["tubes"]["live"]["waiting"] == 0)

    wait_until(at_rest, "all is archived", SETTLED_WITHIN_SECONDS)
    assert found["status"] == "balanced", found
    return found


class _Run(NamedTuple):
    """What came of posting as fast as it goes, the last message included: so many a second."""

    accepted: float
    shown: float
    archived: float
    backlog: int
    """Jobs in the archive's tube when the last message was shown."""


async def _post_and_show(stack: Stack, seconds: int, *, archived: bool = False) -> _Run:
    """Post as fast as it goes with browsers there, and wait until all is shown, and archived where asked to."""
    browsers = await connect(stack.port, BROWSERS)
    warm, _ = await wrk(stack, WARM_SECONDS)
    await shown(browsers, warm)
    begin = time.monotonic()
    count, rate = await wrk(stack, seconds)
    await shown(browsers, warm + count)
    shown_rate = count / (time.monotonic() - begin)
    backlog = _waiting(stack) if archived else 0
    if archived:
        settled(stack)
    archived_rate = count / (time.monotonic() - begin)
    for browser in browsers:
        browser.close()
    return _Run(rate, shown_rate, archived_rate, backlog)


def _waiting(stack: Stack) -> int:
    counts = stack.get("/readyz").json["parts"]["queue"]["tubes"]["archive"]
    return int(counts["ready"] + counts["reserved"])


@contextmanager
def _live_only(stack: Stack) -> Iterator[None]:
    """Run the stack as if there were no archive."""
    config = str(ROOT / "deploy/gunicorn.conf.py")
    with ExitStack() as others:
        others.enter_context(stopped(stack, "processors:archive"))
        others.enter_context(replaced(stack, "processors:live-1", "-m", "tests.bench.live_only", "live"))
        others.enter_context(replaced(stack, "api", "-m", "gunicorn", "-c", config, "tests.bench.live_only:app"))
        wait_until(lambda: connects(stack.home / "sock/api.sock"), "the API listens")
        yield
    stack.wait_ready()


@contextmanager
def _locked_file(stack: Stack) -> Iterator[None]:
    """Hold the lock on the stack's SQLite file that whoever writes needs."""
    with closing(sqlite3.connect(stack.home / "store/tradewire.db", isolation_level=None, timeout=20)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def _stopped_server(server: Postgres) -> Iterator[None]:
    """Stop PostgreSQL."""
    server.stop()
    yield
    server.start()
