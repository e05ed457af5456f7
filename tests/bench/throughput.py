"""One run of load with browsers there, followed until the last message is shown and archived."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.bench import BROWSERS
from tests.bench.browsers import Browsers
from tests.bench.depth import Depth, Trend, waiting
from tests.bench.figures import Figure
from tests.bench.ledger import Books
from tests.bench.load import Wrk
from tests.bench.meter import Meter, per_message
from tradewire.queue import ARCHIVE, TUBES

if TYPE_CHECKING:
    from tests.stack import Stack

WARM_SECONDS = 2
"""Not measured: processes that have just been started still import."""


class Rates(NamedTuple):
    """Messages a second; shown and archived with the last one included. They must not differ."""

    accepted: float
    shown: float
    archived: float

    def figures(self, at_least: float | None = None) -> list[Figure]:
        """Give one figure for each."""
        return [
            Figure("accepted", self.accepted, "/s", at_least),
            Figure("shown, the last one included", self.shown, "/s", at_least),
            Figure("archived, the last one included", self.archived, "/s", at_least),
        ]


class Run(NamedTuple):
    """What came of a run."""

    rates: Rates
    backlog: int
    """Jobs in the archive's tube when the last message was shown."""
    depth: dict[str, Trend]
    """By tube, while there was load."""
    cpu_us: dict[str, float]
    memory_mb: dict[str, float]


def measure(stack: Stack, seconds: int, *, batch: int = 0, rate: float = 0) -> Run:
    """Post single messages or batches, as fast as it goes or at a rate. Fails where anything is lost or doubled."""
    with Browsers(stack.port, BROWSERS) as crowd:
        books = Books(stack, crowd)
        books.close(Wrk(stack, min(WARM_SECONDS, seconds), batch=batch, rate=rate).result().accepted)
        meter = Meter(stack, [crowd])
        with Depth(stack) as depth:
            wrk, begin_ns = Wrk(stack, seconds, batch=batch, rate=rate), time.monotonic_ns()
            posted = wrk.result()
        crowd.await_shown(books.seen + posted.accepted)
        backlog = waiting(stack)[ARCHIVE]
        count = books.close(posted.accepted)
        archive_latency_seconds = (time.monotonic_ns() - begin_ns) / 1e9
        show_latency_seconds = (crowd.counts().last_ns - begin_ns) / 1e9
        cpu = meter.cpu_seconds() | {"generator": posted.cpu_seconds}
        return Run(
            Rates(posted.rate, count / show_latency_seconds, count / archive_latency_seconds),
            backlog,
            {tube: depth.trend(tube) for tube in TUBES},
            per_message(cpu, count),
            meter.memory_mb(),
        )
