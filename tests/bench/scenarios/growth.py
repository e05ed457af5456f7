"""What a message costs as the archive grows, and as more browsers look on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from tests.bench import delays, throughput
from tests.bench.archive_fill import fill
from tests.bench.bench import RATE
from tests.bench.browsers import Browsers
from tests.bench.figures import Figure, Result
from tests.bench.load import BATCH
from tests.bench.meter import Meter
from tests.bench.scenarios import reading
from tradewire.settings import Settings

if TYPE_CHECKING:
    from tests.bench.bench import Bench

ARCHIVE_RATE: Final = 5000
"""Messages a second, in batches, while the cost of archiving one is measured."""
ARCHIVED: Final = (1000, 1_000_000)
BROWSERS: Final = (1, 200, 2000)
FLAT: Final = 1.25
"""The largest factor that still counts as none: machines are noisy."""


def of_the_archive(bench: Bench) -> list[Result]:
    """Measure with little archived, and with very much; then read what is there."""
    few, many = (bench.form.of(count) for count in ARCHIVED)
    costs = [_archiving_us(bench, few), _archiving_us(bench, many)]
    figures = [
        *(
            Figure(f"CPU of the archive's processor, {count:,} archived", cost, "µs/message")
            for count, cost in zip((few, many), costs, strict=True)
        ),
        Figure("the second, of the first", costs[1] / costs[0], "", at_most=FLAT),
    ]
    growth = Result(f"growth of the archive, {bench.form.rate(ARCHIVE_RATE):,.0f}/s in batches", figures)
    return [growth, reading.questions(bench, many)]


def of_the_crowd(bench: Bench) -> list[Result]:
    """Measure with one browser, and with ever more. What one more costs is taken beside what a single one does."""
    counts = [1, *(bench.form.of(count) for count in BROWSERS[1:])]
    alone, *costs = [_showing_us(bench, count) for count in counts]
    more = [(cost - alone) / (count - 1) for count, cost in zip(counts[1:], costs, strict=True)]
    figures = [
        Figure("CPU of nginx and wsserver, 1 browser", alone, "µs/message"),
        *(
            Figure(f"the same for each browser more, {count:,} browsers", cost, "µs/delivery")
            for count, cost in zip(counts[1:], more, strict=True)
        ),
        Figure("the last, of the first of these", more[-1] / more[0] if more[0] else 0, "", at_most=FLAT),
    ]
    return [Result(f"growth of the crowd, {RATE}/s single", figures)]


def _archiving_us(bench: Bench, archived: int) -> float:
    """Fill the archive up, then post; give the microseconds of CPU that its processor takes for a message."""
    now = datetime.now(UTC)
    fill(Settings(home=bench.stack.home).store, archived, now - timedelta(days=reading.DAYS), now)
    rate = bench.form.rate(ARCHIVE_RATE)
    return throughput.measure(bench.stack, bench.form.seconds, batch=BATCH, rate=rate).cpu_us["archive"]


def _showing_us(bench: Bench, browsers: int) -> float:
    """Post with so many browsers there; give the microseconds of CPU that nginx and wsserver take for a message."""
    messages = RATE * max(2, bench.form.seconds // 2)
    with Browsers(bench.stack.port, browsers) as crowd:
        delays.measure(bench.stack, crowd, RATE, RATE)  # to warm up
        meter = Meter(bench.stack, [crowd])
        delays.measure(bench.stack, crowd, RATE, messages)
        cpu = meter.cpu_seconds()
    return 1e6 * (cpu["nginx"] + cpu["wsserver"]) / messages
