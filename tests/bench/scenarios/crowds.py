"""Very many browsers, many that come back at once, and some that stop reading."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tests.bench import delays
from tests.bench.bench import BROWSERS, RATE
from tests.bench.browsers import Browsers
from tests.bench.figures import Figure, Result
from tests.bench.ledger import Books
from tests.bench.load import BATCH, Poster, Wrk
from tests.bench.meter import Meter, per_message, resident_bytes

if TYPE_CHECKING:
    from tests.bench.bench import Bench
    from tests.bench.delays import Delays

MISSED: Final = 500
"""Messages that a browser missed that comes back."""
BURST_RATE: Final = 5000
BURST_SECONDS: Final = 5
"""At which rate, and for how long, comes what fills the buffers of who does not read."""
STUCK_MB: Final = 100
"""What 100 browsers that don't read may cost: the ring (64 MiB), and of each a buffer and what passed its mark."""


def idle(bench: Bench) -> list[Result]:
    """Connect ten thousand, and then show them one message a second."""
    stack, count = bench.stack, bench.form.of(10_000)
    before = resident_bytes(stack, "wsserver")
    with Browsers(stack.port, count) as crowd:
        each_kib = (resident_bytes(stack, "wsserver") - before) / 1024 / count
        meter, messages = Meter(stack, [crowd]), bench.form.seconds
        found = delays.measure(stack, crowd, 1, messages)
        cpu, memory = meter.cpu_seconds() | {"generator": found.generator_seconds}, meter.memory_mb()
    figures = [
        Figure("all connected after", (crowd.welcomed.welcomed_ns - crowd.welcomed.begun_ns) / 1e9, "s", at_most=60),
        Figure("memory of wsserver for each", each_kib, "KiB", at_most=20),
        Figure("1/s, POST to browser, median", found.median, "ms"),
        Figure("1/s, POST to browser, 99th percentile", found.p99, "ms", at_most=1500),
        Figure("CPU of nginx and wsserver", 1e6 * (cpu["nginx"] + cpu["wsserver"]) / found.deliveries, "µs/delivery"),
    ]
    return [Result(f"{count:,} idle browsers, then 1/s", figures, per_message(cpu, messages), memory)]


def reconnecting(bench: Bench) -> list[Result]:
    """Let a thousand browsers go and come back at once, after 500 messages, beside 10 that stay."""
    stack, count = bench.stack, bench.form.of(1000)
    messages = RATE * bench.form.seconds
    with Browsers(stack.port, BROWSERS) as steady:
        quiet = delays.measure(stack, steady, RATE, messages)
        with Browsers(stack.port, count) as away:
            places = away.leave()
            Poster(stack, MISSED, MISSED).result()
            seen = steady.check(messages + MISSED).least
            steady.note()
            poster = Poster(stack, RATE, messages)
            steady.await_shown(seen + 1)
            begin_ns = time.monotonic_ns()
            away.come_back(places)
            away.await_shown(MISSED)
            end_ns = time.monotonic_ns()
            sent = poster.result()
            steady.check(seen + messages)
            away.check(MISSED + messages)
        meanwhile = [(event_id, at) for event_id, at in sent if begin_ns <= at < max(end_ns, begin_ns + 10**9)]
        storm = delays.between(meanwhile, steady)
    figures = [
        Figure("all have what they missed after", (end_ns - begin_ns) / 1e9, "s", at_most=10),
        *_beside(f"{BROWSERS} others", quiet, "without", storm, "meanwhile"),
    ]
    return [Result(f"{count:,} browsers come back at once, each to {MISSED} messages", figures)]


def stuck(bench: Bench) -> list[Result]:
    """Let 100 of 300 browsers stop reading, fill their buffers, and see what the others notice."""
    stack, messages = bench.stack, RATE * bench.form.seconds
    rate = bench.form.rate(BURST_RATE)
    others, stopping = bench.form.of(200), bench.form.of(100)
    with Browsers(stack.port, others) as crowd, Browsers(stack.port, stopping) as stuck:
        before = delays.measure(stack, crowd, RATE, messages)
        stuck.check(messages)
        stuck.stop_reading()
        resident = resident_bytes(stack, "wsserver")
        books = Books(stack, crowd)
        books.close(Wrk(stack, BURST_SECONDS, batch=BATCH, rate=rate).result().accepted)
        grown = (resident_bytes(stack, "wsserver") - resident) / 1e6
        after = delays.measure(stack, crowd, RATE, messages)
    figures = [
        *_beside(f"{others} others", before, "before", after, "meanwhile"),
        Figure("memory that wsserver has taken", grown, "MB", at_most=STUCK_MB),
    ]
    return [Result(f"{stopping} of {others + stopping} browsers stop reading, then {rate:,.0f}/s", figures)]


def _beside(who: str, one: Delays, when: str, other: Delays, then: str) -> list[Figure]:
    """Give the delays of the same browsers in two situations."""
    return [
        Figure(f"the {who}, POST to browser, median, {when}", one.median, "ms"),
        Figure(f"the same, {then}", other.median, "ms"),
        Figure(f"the {who}, POST to browser, 99th percentile, {when}", one.p99, "ms"),
        Figure(f"the same, {then}", other.p99, "ms"),
    ]
