"""Throughput with clients connected, followed until the last message is shown and archived."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.bench import BROWSERS
from tests.bench.clients import Clients
from tests.bench.figures import Figure
from tests.bench.ledger import Reconciler
from tests.bench.load import Wrk
from tests.bench.meter import Meter, per_message
from tests.bench.queue_depth import DepthSampler, Trend, depths
from tests.support import TUBES
from tradewire.queue import ARCHIVE

if TYPE_CHECKING:
    from tests.stack import Stack

WARM_UP_SECONDS = 2
"""Not measured, because new processes are still importing modules."""


class Rates(NamedTuple):
    """Messages a second. A queue that grows makes the last two smaller than the first.

    `shown` and `archived` are measured until the last message has arrived, `accepted` until the load ends.
    """

    accepted: float
    shown: float
    archived: float

    def figures(self, at_least: float | None = None) -> list[Figure]:
        """Return a figure for each rate."""
        return [
            Figure("accepted", self.accepted, "/s", at_least),
            Figure("shown, including the last message", self.shown, "/s", at_least),
            Figure("archived, including the last message", self.archived, "/s", at_least),
        ]


class Run(NamedTuple):
    """The results of one run."""

    rates: Rates
    backlog: int
    """Jobs in the archive's tube when the last message was shown."""
    depth: dict[str, Trend]
    """Queue depth during the load, by tube."""
    cpu_us: dict[str, float]
    memory_mb: dict[str, float]


def measure(stack: Stack, seconds: int, *, batch: int = 0, rate: float = 0) -> Run:
    """Post single messages or batches, and measure; fail if a message is lost or duplicated.

    Args:
        stack: The stack to load.
        seconds: How long to post.
        batch: Messages in a batch; 0 posts single messages.
        rate: Messages a second; 0 posts as fast as possible.
    """
    with Clients(stack.port, BROWSERS) as clients:
        reconciler = Reconciler(stack, clients)
        reconciler.reconcile(Wrk(stack, min(WARM_UP_SECONDS, seconds), batch=batch, rate=rate).result().accepted)
        meter = Meter(stack, [clients])
        with DepthSampler(stack) as sampler:
            wrk, start_ns = Wrk(stack, seconds, batch=batch, rate=rate), time.monotonic_ns()
            load = wrk.result()
        clients.wait_received(reconciler.received + load.accepted)
        backlog = depths(stack)[ARCHIVE]
        count = reconciler.reconcile(load.accepted)
        until_archived_seconds = (time.monotonic_ns() - start_ns) / 1e9
        until_shown_seconds = (clients.counts().last_event_ns - start_ns) / 1e9
        cpu_seconds = meter.cpu_seconds() | {"generator": load.cpu_seconds}
        return Run(
            Rates(load.rate, count / until_shown_seconds, count / until_archived_seconds),
            backlog,
            {tube: sampler.trend(tube) for tube in TUBES},
            per_message(cpu_seconds, count),
            meter.memory_mb(),
        )
