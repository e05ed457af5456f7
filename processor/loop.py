"""The processor's loop: one named step, again and again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from processor.sinks import Verdict
from tradewire import event, metrics, receipt
from tradewire.backoff import Backoff
from tradewire.errors import InvalidEvent, Unavailable
from tradewire.queue import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from structlog.stdlib import BoundLogger

    from processor.expiry import Expiry
    from processor.sinks import Sink
    from tradewire.queue import Job, Queue
    from tradewire.stop import Stop

RESERVE_SECONDS: Final = 1
HOLD_OFF_SECONDS: Final = 1.0
REASON_MAX: Final = 500


class Processor:
    """Moves jobs from the queue into a sink.

    success → delete; WAIT → release, and hold off; a fault of the data → bury the rejected event alone; a
    neighbour away → forget what was in hand (closing gives it back) and try again later.
    """

    def __init__(self, queue: Queue, sink: Sink, stop: Stop, log: BoundLogger, expiry: Expiry | None = None) -> None:
        self._queue = queue
        self._sink = sink
        self._stop = stop
        self._log = log
        self._expiry = expiry
        self._probing = False
        """The sink said WAIT and has not yet said otherwise: the next try takes a single job."""

    def run(self) -> None:
        """Step until asked to stop, then give back what is in hand."""
        backoff = Backoff()
        away = False
        while not self._stop.requested:
            try:
                self.step()
                if away:
                    self._log.info("neighbour is back")
                    away = False
                backoff.reset()
            except Unavailable as error:
                self._queue.close()
                if not away:
                    self._log.warning("waiting for a neighbour", missing=str(error))
                    away = True
                self._stop.wait(backoff.next())
        self._queue.close()
        self._sink.close()

    def step(self) -> None:
        """Take the jobs that are there, deliver and settle them. Raises Unavailable."""
        if self._expiry:
            self._expiry.step()  # also while the sink is away
        self._sink.connect()
        limit = 1 if self._probing else self._sink.jobs_max
        jobs = self._queue.reserve(self._sink.tube, limit, RESERVE_SECONDS, self._sink.bytes_max)
        if not jobs:
            return
        metrics.reserved(self._sink.tube, len(jobs))
        waiting = self._settle_in_order(list(_batches(jobs, self._sink.bytes_max)))
        self._probing = bool(waiting)
        if waiting:
            self._queue.release(waiting)
            self._probing = not self._sink.hold_off(HOLD_OFF_SECONDS)

    def _settle_in_order(self, batches: Sequence[Sequence[Job]]) -> list[Job]:
        """Settle one batch after the other; from the first that must wait on, give all jobs unsettled."""
        for number, batch in enumerate(batches):
            if waiting := self._settle(batch):
                later = batches[number + 1 :]
                return [*waiting, *(job for batch in later for job in batch)]
        return []

    def _settle(self, batch: Sequence[Job]) -> Sequence[Job]:
        """Deliver a batch and settle its jobs; give those that must wait."""
        try:
            verdict = self._deliver([event for job in batch for event in job.events])
        except InvalidEvent:
            if len(batch) == 1:
                return self._dead_letter_rejected(batch[0])
            middle = len(batch) // 2
            return self._settle_in_order([batch[:middle], batch[middle:]])
        if verdict is Verdict.WAIT:
            return batch
        self._queue.delete(batch)
        return ()

    def _dead_letter_rejected(self, job: Job) -> Sequence[Job]:
        """Deliver what is good in a job and bury the rest, unless the sink says WAIT in between."""
        try:
            rejected = list(self._isolate(job.events))
        except _Waiting:
            return [job]
        for one in rejected:
            self._report_dead_letter(one)
        self._queue.dead_letter(self._sink.tube, job, rejected)
        metrics.dead_lettered(self._sink.tube, len(rejected))
        return ()

    def _report_dead_letter(self, rejected: Rejected) -> None:
        """Tell the archive and the operator."""
        head = event.peek(rejected.event)
        if head:
            now = event.format_time(datetime.now(UTC))
            told = receipt.Receipt(
                "dead-lettered", now, [head.id], self._sink.tube, reason=rejected.reason[:REASON_MAX]
            )
            self._queue.put_receipt(receipt.encode(told))
        self._log.error(
            "dead-lettered",
            tube=self._sink.tube,
            id=head.id if head else None,
            reason=rejected.reason,
            bytes=len(rejected.event),
        )

    def _isolate(self, events: Sequence[bytes]) -> Iterator[Rejected]:
        """Deliver events in ever smaller pieces; give those that are refused alone."""
        try:
            if self._deliver(events) is Verdict.WAIT:
                raise _Waiting
        except InvalidEvent as error:
            if len(events) == 1:
                yield Rejected(events[0], str(error))
                return
            middle = len(events) // 2
            yield from self._isolate(events[:middle])
            yield from self._isolate(events[middle:])

    def _deliver(self, events: Sequence[bytes]) -> Verdict:
        if sum(map(len, events)) + len(events) - 1 > self._sink.bytes_max:
            raise InvalidEvent(f"larger than a job may be, {self._sink.bytes_max} bytes")
        return self._sink.deliver(events)


class _Waiting(Exception):  # noqa: N818 - no error: a verdict on its way up
    """The sink said WAIT in the middle of a job."""


def _batches(jobs: Sequence[Job], bytes_max: int) -> Iterator[list[Job]]:
    """Cut jobs into batches, in order, each of so many bytes at most when joined by line ends."""
    batch: list[Job] = []
    size = 0
    for job in jobs:
        if batch and size + len(job.body) + 1 > bytes_max:
            yield batch
            batch, size = [], 0
        batch.append(job)
        size += len(job.body) + 1
    yield batch
