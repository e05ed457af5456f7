"""How the cost of a message grows with the size of the archive, and with the number of browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.bench import latency, throughput
from tests.bench.archive_fill import fill_archive
from tests.bench.bench import RATE
from tests.bench.clients import Clients
from tests.bench.figures import Figure, Result
from tests.bench.load import BATCH
from tests.bench.meter import Meter
from tests.bench.scenarios import queries
from tests.bench.target import Tradewire

if TYPE_CHECKING:
    from tests.bench.bench import Bench

ARCHIVE_RATE: Final = 5000
"""Messages a second, in batches, while the cost of archiving is measured."""
ARCHIVED: Final = (1000, 1_000_000)
BROWSERS: Final = (1, 200, 2000)
MAX_GROWTH: Final = 1.25
"""The largest ratio that counts as no growth: measurements vary."""


def with_archive(bench: Bench) -> list[Result]:
    """Measure the cost of archiving with a small and with a large archive, then query the large one."""
    small, large = (bench.profile.scale_count(count) for count in ARCHIVED)
    costs = [_archiving_us(bench, small), _archiving_us(bench, large)]
    figures = [
        *(
            Figure(f"CPU of the archive processor, {count:,} archived", cost, "µs/message")
            for count, cost in zip((small, large), costs, strict=True)
        ),
        Figure(f"cost ratio, {large:,} to {small:,} archived", costs[1] / costs[0], "", at_most=MAX_GROWTH),
    ]
    growth = Result(f"growth of the archive, {bench.profile.scale_rate(ARCHIVE_RATE):,.0f}/s in batches", figures)
    return [growth, queries.run(bench, large)]


def with_browsers(bench: Bench) -> list[Result]:
    """Measure the cost of showing a message to 1, 200 and 2,000 browsers, and compare it per additional browser."""
    counts = [1, *(bench.profile.scale_count(count) for count in BROWSERS[1:])]
    single_cost, *costs = [_showing_us(bench, count) for count in counts]
    additional = [(cost - single_cost) / (count - 1) for count, cost in zip(counts[1:], costs, strict=True)]
    figures = [
        Figure("CPU of nginx and wsserver, 1 browser", single_cost, "µs/message"),
        *(
            Figure(f"CPU per additional browser, {count:,} browsers", cost, "µs/delivery")
            for count, cost in zip(counts[1:], additional, strict=True)
        ),
        Figure(
            f"cost ratio, {counts[-1]:,} to {counts[1]:,} browsers",
            additional[-1] / additional[0] if additional[0] else 0,
            "",
            at_most=MAX_GROWTH,
        ),
    ]
    return [Result(f"growth of the number of browsers, {RATE}/s single", figures)]


def _archiving_us(bench: Bench, archived: int) -> float:
    """Return the archive processor's CPU microseconds per message, after archiving `archived` more messages."""
    fill_archive(bench.stack, archived, queries.DAYS)
    rate = bench.profile.scale_rate(ARCHIVE_RATE)
    return throughput.measure(Tradewire(bench.stack), bench.profile.seconds, batch=BATCH, rate=rate).cpu_us["archive"]


def _showing_us(bench: Bench, browsers: int) -> float:
    """Return the CPU microseconds that nginx and wsserver take per message, with some browsers connected."""
    messages = RATE * max(2, bench.profile.seconds // 2)
    with Clients(bench.stack.port, browsers) as clients:
        latency.measure(bench.stack, clients, RATE, RATE)  # to warm up
        meter = Meter(bench.stack, [clients])
        latency.measure(bench.stack, clients, RATE, messages)
        cpu_seconds = meter.cpu_seconds()
    return 1e6 * (cpu_seconds["nginx"] + cpu_seconds["wsserver"]) / messages
