"""The processor: takes jobs from a tube and delivers them to a sink, step by step."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from processor.marks import Marks, split
from processor.repeat import repeat
from processor.sinks import PartialDelivery, Verdict
from tradewire import event, metrics, receipt
from tradewire.backoff import Backoff
from tradewire.errors import InvalidEvent
from tradewire.queue import Rejected
from tradewire.queue.dead_letter import REASON_CHARS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from structlog.stdlib import BoundLogger

    from processor.sinks import Sink
    from processor.turns import Turns
    from tradewire.consumer import Consumer
    from tradewire.queue import Job, Queue
    from tradewire.stop import Stop

RESERVE_SECONDS: Final = 1
"""How long a step waits if no job is ready."""
HOLD_OFF_SECONDS: Final = 1.0
"""How long a step waits after a WAIT, unless the sink is ready earlier."""
HOLD_SECONDS: Final = 10.0
"""A step begins no delivery when its jobs have been reserved for longer than this. The last delivery may take
`DELIVERY_SECONDS_MAX`, so all jobs are settled or released before their TTR ends."""


class Processor:
    """Moves jobs from the queue to a sink.

    What happens to the reserved jobs depends on the delivery's outcome:

    - OK: delete them.
    - WAIT: release them, and hold off.
    - PartialDelivery: put the failed events anew, make a dead letter of each rejected one, delete the jobs, and pause.
    - InvalidEvent: deliver the valid events, and make a dead letter of each rejected one.
    - Unavailable, from the queue or the sink: close the queue, which releases the jobs, and try again later.

    Args:
        queue: The queue, with no jobs reserved.
        consumer: Its declaration, which names the tube.
        sink: Gets the events.
        turns: The processor's turns in the tube.
        stop: Ends `run`.
        log: Gets a line for each outage and each dead letter.
    """

    def __init__(
        self, queue: Queue, consumer: Consumer, sink: Sink, turns: Turns, stop: Stop, log: BoundLogger
    ) -> None:
        self._queue = queue
        self._tube = consumer.name
        self._max_age_seconds = consumer.max_age_seconds
        self._turns = turns
        self._marks = Marks(queue, turns)
        self._sink = sink
        self._stop = stop
        self._log = log
        self._puts_receipts = any(outcome.kind == "delivered" for outcome in consumer.outcomes)
        self._retry = Backoff()
        """The pauses after steps in which events failed."""
        self._has_failed = False
        """Whether an event has failed in this step."""
        self._deliver_until = float("inf")
        """When this step must begin no further delivery, in seconds of the monotonic clock."""
        self._probing = False
        """True after a WAIT, until the sink takes events again. Meanwhile each step reserves a single job."""

    def run(self) -> None:
        """Repeat `step` until a stop is requested. Then close the queue, which releases the jobs, and the sink."""
        repeat(self.step, self._queue, self._stop, self._log)
        self._sink.close()

    def drain(self) -> None:
        """Repeat `step` until the tube is empty or a stop is requested. Then close the queue and the sink."""

        def step() -> None:
            self.step()
            counts = self._queue.counts(self._tube)
            if counts.ready + counts.reserved == 0:
                self._stop.requested = True

        repeat(step, self._queue, self._stop, self._log)
        self._sink.close()

    def step(self) -> None:
        """Reserve the jobs that are ready, deliver them and settle them.

        Raises:
            Unavailable: The queue or the sink can't be used. Some jobs may still be reserved: close the queue.
        """
        self._sink.connect()
        self._has_failed = False
        with self._turns.turn(self._queue):
            waits = self._take_turn()
        self._probing = waits
        if waits:
            # After slow deliveries, jobs may be left over for lack of time, not because of a WAIT.
            self._probing = time.monotonic() < self._deliver_until and not self._sink.hold_off(HOLD_OFF_SECONDS)
        if self._has_failed:
            self._stop.wait(self._retry.next())
        else:
            self._retry.reset()

    def _take_turn(self) -> bool:
        """Reserve jobs, and settle or release them. Return whether some were released."""
        limit = 1 if self._probing else self._sink.jobs_max
        reserved = self._queue.reserve(self._tube, limit, RESERVE_SECONDS, self._sink.bytes_max)
        jobs, marks = split(reserved)
        waiting: list[Job] = []
        if jobs:
            metrics.reserved(self._tube, len(jobs))
            self._deliver_until = time.monotonic() + HOLD_SECONDS
            waiting = self._settle_in_order(list(_batches(jobs, self._sink.bytes_max)))
        if waiting:
            self._queue.release([*waiting, *(job for job, _ in marks)])
            self._turns.count_returned()
        else:
            self._marks.take(marks)
        return bool(waiting)

    def _settle_in_order(self, batches: Sequence[Sequence[Job]]) -> list[Job]:
        """Deliver and settle the batches in order, up to the first WAIT. Return the jobs that are not settled."""
        for number, batch in enumerate(batches):
            if waiting := self._settle(batch):
                later = batches[number + 1 :]
                return [*waiting, *(job for batch in later for job in batch)]
        return []

    def _settle(self, batch: Sequence[Job]) -> Sequence[Job]:
        """Deliver a batch and settle its jobs. After a WAIT, or without time, return the jobs that are not settled."""
        if time.monotonic() > self._deliver_until:
            return batch
        events = [event for job in batch for event in job.events]
        try:
            verdict = self._deliver(events)
        except PartialDelivery as partial:
            self._settle_delivered_and_failed(events, partial)
            self._dead_letter(batch[0], partial.rejected)
            self._queue.delete(batch[1:])
            return ()
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
        """Deliver a job's valid events and make dead letters of the others. After a WAIT, return the job, unsettled."""
        try:
            rejected = list(self._isolate(job.events))
        except _Waiting:
            return [job]
        self._dead_letter(job, rejected)
        return ()

    def _settle_delivered_and_failed(self, events: Sequence[bytes], partial: PartialDelivery) -> None:
        """Put receipts for the delivered events, and put the failed ones anew. Their jobs remain to be settled."""
        others = {*partial.failed, *(rejection.event for rejection in partial.rejected)}
        self._put_receipts([line for line in events if line not in others])
        if partial.failed:
            self._queue.put_again(self._tube, partial.failed)
            self._turns.count_again()
            self._has_failed = True
            self._log.warning("some deliveries failed", tube=self._tube, failed=len(partial.failed), of=len(events))

    def _put_receipts(self, events: Sequence[bytes]) -> None:
        """Put receipts for delivered events, unless the sink does so."""
        if not self._puts_receipts:
            return
        ids = [header.id for header in map(event.peek, events) if header]
        for delivered in receipt.encode_all("delivered", self._tube, ids):
            self._queue.put_receipt(delivered)
        metrics.delivered(self._tube, len(ids))

    def _dead_letter(self, job: Job, rejected: Sequence[Rejected]) -> None:
        """Make dead letters of rejected events, and settle the job."""
        for rejection in rejected:
            self._report_dead_letter(rejection)
        self._queue.dead_letter(job, rejected)
        metrics.dead_lettered(self._tube, len(rejected))

    def _report_dead_letter(self, rejected: Rejected) -> None:
        """Put a receipt about the dead letter, if its event has a readable id, and log it."""
        header = event.peek(rejected.event)
        if header:
            reason = rejected.reason[:REASON_CHARS_MAX]
            for dead_lettered in receipt.encode_all("dead-lettered", self._tube, [header.id], reason):
                self._queue.put_receipt(dead_lettered)
        event_id = header.id if header else None
        self._log.error(
            "dead-lettered", tube=self._tube, id=event_id, reason=rejected.reason, bytes=len(rejected.event)
        )

    def _isolate(self, events: Sequence[bytes]) -> Iterator[Rejected]:
        """Deliver events. If the sink rejects them, deliver each half in the same way. Yield each rejected event."""
        try:
            if self._deliver(events) is Verdict.WAIT:
                raise _Waiting
        except PartialDelivery as partial:
            self._settle_delivered_and_failed(events, partial)
            yield from partial.rejected
        except InvalidEvent as error:
            if len(events) == 1:
                yield Rejected(events[0], str(error))
                return
            middle = len(events) // 2
            yield from self._isolate(events[:middle])
            yield from self._isolate(events[middle:])

    def _deliver(self, events: Sequence[bytes]) -> Verdict:
        if sum(map(len, events)) + len(events) - 1 > self._sink.bytes_max:
            raise InvalidEvent(f"larger than a delivery may be: {self._sink.bytes_max} bytes")
        try:
            verdict = self._sink.deliver(events)
        except PartialDelivery as partial:
            raise self._without_overdue(partial) from None
        if verdict is Verdict.OK:
            self._put_receipts(events)
        return verdict

    def _without_overdue(self, partial: PartialDelivery) -> PartialDelivery:
        """Reject failed events that are over the maximum age. Put anew, they would never expire: see the keeper."""
        if self._max_age_seconds is None:
            return partial
        oldest = datetime.now(UTC) - timedelta(seconds=self._max_age_seconds)
        reason = f"its delivery failed for over {self._max_age_seconds} s"
        headers = [(line, event.peek(line)) for line in partial.failed]
        overdue = {line for line, header in headers if header and (header.received_at or oldest) < oldest}
        return PartialDelivery(
            [line for line in partial.failed if line not in overdue],
            [*partial.rejected, *(Rejected(line, reason) for line in overdue)],
        )


class _Waiting(Exception):  # noqa: N818 - not an error: carries a verdict up from the recursion
    """The sink returned WAIT in the middle of a job."""


def _batches(jobs: Sequence[Job], bytes_max: int) -> Iterator[list[Job]]:
    """Split jobs into batches of at most `bytes_max`, in order. A larger job is a batch of its own."""
    batch: list[Job] = []
    size = 0
    for job in jobs:
        if batch and size + len(job.body) + 1 > bytes_max:
            yield batch
            batch, size = [], 0
        batch.append(job)
        size += len(job.body) + 1
    yield batch
