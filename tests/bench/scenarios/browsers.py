"""Many browsers: idle, reconnecting at once, and some that stop reading."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tests.bench import latency
from tests.bench.bench import BROWSERS, RATE
from tests.bench.clients import Clients
from tests.bench.figures import Figure, Result
from tests.bench.ledger import Reconciler
from tests.bench.load import BATCH, Producer, Wrk
from tests.bench.meter import Meter, per_message, resident_bytes

if TYPE_CHECKING:
    from tests.bench.bench import Bench
    from tests.bench.latency import Latency

MISSED: Final = 500
"""Messages that a reconnecting browser has missed."""
BURST_RATE: Final = 5000
BURST_SECONDS: Final = 5
"""Rate and duration of the load that fills the buffers of the stalled browsers."""
STALLED_MB: Final = 100
"""Memory that 100 stalled browsers may take: the ring (64 MiB), and a buffer each, filled slightly past its limit."""


def idle(bench: Bench) -> list[Result]:
    """Connect 10,000 browsers, then send them one message a second."""
    stack, count = bench.stack, bench.profile.scale_count(10_000)
    before = {program: resident_bytes(stack, program) for program in ("wsserver", "nginx")}
    with Clients(stack.port, count) as clients:
        kib = {program: (resident_bytes(stack, program) - before[program]) / 1024 / count for program in before}
        meter, messages = Meter(stack, [clients]), bench.profile.seconds
        result = latency.measure(stack, clients, 1, messages)
        cpu, memory = meter.cpu_seconds() | {"generator": result.generator_seconds}, meter.memory_mb()
    connect_ns = clients.initial_counts.last_hello_ns - clients.initial_counts.connect_start_ns
    figures = [
        Figure("time to connect all", connect_ns / 1e9, "s", at_most=60),
        Figure("memory of wsserver per browser", kib["wsserver"], "KiB", at_most=20),
        Figure("memory of nginx per browser", kib["nginx"], "KiB"),
        Figure("1/s, POST to browser, median", result.median, "ms"),
        Figure("1/s, POST to browser, 99th percentile", result.p99, "ms", at_most=1500),
        Figure("CPU of nginx and wsserver", 1e6 * (cpu["nginx"] + cpu["wsserver"]) / result.deliveries, "µs/delivery"),
    ]
    return [Result(f"{count:,} idle browsers, then 1/s", figures, per_message(cpu, messages), memory)]


def reconnecting(bench: Bench) -> list[Result]:
    """Let 1,000 browsers miss 500 messages and reconnect at once, while 10 others stay connected."""
    stack, count = bench.stack, bench.profile.scale_count(1000)
    messages = RATE * bench.profile.seconds
    with Clients(stack.port, BROWSERS) as steady:
        before = latency.measure(stack, steady, RATE, messages)
        with Clients(stack.port, count) as returning:
            positions = returning.disconnect()
            Producer(stack, MISSED, MISSED).result()
            received = steady.check_received(messages + MISSED).min_events
            steady.record_arrivals()
            producer = Producer(stack, RATE, messages)
            steady.wait_received(received + 1)
            start_ns = time.monotonic_ns()
            returning.reconnect(positions)
            returning.wait_received(MISSED)
            end_ns = time.monotonic_ns()
            sent = producer.result()
            steady.check_received(received + messages)
            returning.check_received(MISSED + messages)
        until_ns = max(end_ns, start_ns + 10**9)  # for at least a second: a quick reconnect meets too few messages
        sent_meanwhile = [message for message in sent if start_ns <= message.sent_ns < until_ns]
        meanwhile = latency.from_arrivals(sent_meanwhile, steady)
    figures = [
        Figure("time until all have caught up", (end_ns - start_ns) / 1e9, "s", at_most=10),
        *_compare(f"{BROWSERS} others", before, "before", meanwhile, "meanwhile"),
    ]
    return [Result(f"{count:,} browsers reconnect at once, {MISSED} messages behind", figures)]


def stalled(bench: Bench) -> list[Result]:
    """Let 100 of 300 browsers stop reading, fill their buffers, and measure the latency of the others."""
    stack, messages = bench.stack, RATE * bench.profile.seconds
    rate = bench.profile.scale_rate(BURST_RATE)
    reading_count, stalled_count = bench.profile.scale_count(200), bench.profile.scale_count(100)
    with Clients(stack.port, reading_count) as reading, Clients(stack.port, stalled_count) as not_reading:
        before = latency.measure(stack, reading, RATE, messages)
        not_reading.check_received(messages)
        not_reading.stop_reading()
        resident_before = resident_bytes(stack, "wsserver")
        reconciler = Reconciler(stack, reading)
        reconciler.reconcile(Wrk(stack, BURST_SECONDS, batch=BATCH, rate=rate).result().accepted)
        growth_mb = (resident_bytes(stack, "wsserver") - resident_before) / 1e6
        meanwhile = latency.measure(stack, reading, RATE, messages)
    figures = [
        *_compare(f"{reading_count} others", before, "before", meanwhile, "meanwhile"),
        Figure("memory growth of wsserver", growth_mb, "MB", at_most=STALLED_MB),
    ]
    total = reading_count + stalled_count
    return [Result(f"{stalled_count} of {total} browsers stop reading, then {rate:,.0f}/s", figures)]


def _compare(group: str, first: Latency, first_when: str, second: Latency, second_when: str) -> list[Figure]:
    """Return the latency of the same browsers at two times."""
    return [
        Figure(f"{group}, POST to browser, median, {first_when}", first.median, "ms"),
        Figure(f"{group}, POST to browser, median, {second_when}", second.median, "ms"),
        Figure(f"{group}, POST to browser, 99th percentile, {first_when}", first.p99, "ms"),
        Figure(f"{group}, POST to browser, 99th percentile, {second_when}", second.p99, "ms"),
    ]
