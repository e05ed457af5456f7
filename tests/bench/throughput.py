"""Throughput with clients connected, followed until the last message is shown and archived."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.bench.bench import BROWSERS
from tests.bench.figures import METERS, Figure
from tests.bench.load import CONNECTIONS, LoadResult, Wrk
from tests.bench.meter import Meter, per_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.bench.target import Target

WARM_UP_SECONDS = 2
"""Not measured, because new processes are still importing modules."""
ARCHIVE_TIMEOUT_SECONDS = 600
_POLL_SECONDS = 0.05


class Counts(NamedTuple):
    """What became of the messages of one run."""

    answered: int
    """Answered 201. More may have been accepted, since wrk closes its connections before the last answers arrive."""
    shown: int
    """Received by each browser, once."""
    refused: int
    """Requests answered otherwise, or not at all."""
    archived: int | None


class Rates(NamedTuple):
    """Messages a second. A queue that grows makes the last two smaller than the first.

    `shown` and `archived` are measured until the last message has arrived, `accepted` until the load ends.
    """

    accepted: float
    shown: float
    archived: float
    """0 without an archive."""

    def figures(self, at_least: float | None = None) -> list[Figure]:
        """Return a figure for each rate."""
        return [
            Figure("accepted", self.accepted, "/s", at_least),
            Figure("shown, including the last message", self.shown, "/s", at_least),
            Figure("archived, including the last message", self.archived, "/s", at_least),
        ]


class Run(NamedTuple):
    """The results of one run."""

    counts: Counts
    rates: Rates
    backlog: int
    """Messages that were not yet archived when the last one was shown."""
    cpu_us: dict[str, float]
    memory_mb: dict[str, float]

    @property
    def stack_cpu_us(self) -> dict[str, float]:
        """CPU microseconds per message, by program, without the benchmark's own."""
        return {program: cost for program, cost in self.cpu_us.items() if program not in METERS}


def measure(
    target: Target,
    seconds: int,
    *,
    connections: int = CONNECTIONS,
    batch: int = 0,
    rate: float = 0,
    meanwhile: AbstractContextManager[Any] | None = None,
) -> Run:
    """Post single messages or batches, and measure; fail if a message is lost or duplicated.

    Args:
        target: The stack to load.
        seconds: How long to post.
        connections: Connections of the load.
        batch: Messages in a batch; 0 posts single messages.
        rate: Messages a second; 0 posts as fast as possible.
        meanwhile: Entered while the load runs.
    """

    def post(seconds: int) -> LoadResult:
        wrk = Wrk(target, seconds, connections=connections, batch=batch, rate=rate, token=target.token)
        return wrk.result(may_refuse=target.may_refuse)

    with target.connect(BROWSERS) as clients, target.archive() as archived:
        reconciliation = target.reconciliation(clients)
        reconciliation.reconcile(post(min(WARM_UP_SECONDS, seconds)).accepted)
        archived_before = archived() if archived else 0
        meter = Meter(target, [clients])
        with meanwhile or nullcontext():
            start_ns = time.monotonic_ns()
            load = post(seconds)
        clients.wait_received(reconciliation.received + load.accepted)
        archived_seconds, backlog = 0.0, 0
        if archived:
            backlog = load.accepted - (archived() - archived_before)
            _wait_archived(archived, archived_before + load.accepted)
            archived_seconds = (time.monotonic_ns() - start_ns) / 1e9
        count = reconciliation.reconcile(load.accepted)
        unanswered = (connections + load.refused) * max(1, batch)  # each connection had a request under way at the end
        assert count <= load.accepted + unanswered, f"{count} were shown, but only {load.accepted} answered"
        shown_seconds = (clients.counts().last_event_ns - start_ns) / 1e9
        cpu_seconds = meter.cpu_seconds() | {"generator": load.cpu_seconds}
        return Run(
            Counts(load.accepted, count, load.refused, archived() - archived_before if archived else None),
            Rates(load.rate, count / shown_seconds, count / archived_seconds if archived else 0.0),
            max(0, backlog),
            per_message(cpu_seconds, count),
            meter.memory_mb(),
        )


def _wait_archived(archived: Callable[[], int], count: int) -> None:
    """Wait until so many messages are archived. Ask seldom, so that asking slows no other program."""
    end = time.monotonic() + ARCHIVE_TIMEOUT_SECONDS
    while archived() < count:
        assert time.monotonic() < end, f"{archived()} of {count} were archived within {ARCHIVE_TIMEOUT_SECONDS} s"
        time.sleep(_POLL_SECONDS)
