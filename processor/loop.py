"""The processor's loop: one named step, again and again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from processor.sinks import Verdict
from tradewire import metrics, receipt, update
from tradewire.backoff import Backoff
from tradewire.errors import BadUpdate, Unavailable
from tradewire.queue import Guilty

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

    success → delete; WAIT → release, and hold off; a fault of the data → bury the guilty update alone; a
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
            verdict = self._deliver([update for job in batch for update in job.updates])
        except BadUpdate:
            if len(batch) == 1:
                return self._bury_guilty(batch[0])
            middle = len(batch) // 2
            return self._settle_in_order([batch[:middle], batch[middle:]])
        if verdict is Verdict.WAIT:
            return batch
        self._queue.delete(batch)
        return ()

    def _bury_guilty(self, job: Job) -> Sequence[Job]:
        """Deliver what is good in a job and bury the rest, unless the sink says WAIT in between."""
        try:
            guilty = list(self._sift(job.updates))
        except _Waiting:
            return [job]
        for one in guilty:
            self._tell_buried(one)
        self._queue.bury(self._sink.tube, job, guilty)
        metrics.buried(self._sink.tube, len(guilty))
        return ()

    def _tell_buried(self, guilty: Guilty) -> None:
        """Tell the archive and the operator."""
        head = update.head(guilty.update)
        if head:
            now = update.utc(datetime.now(UTC))
            buried = receipt.Receipt("buried", now, [head.id], self._sink.tube, reason=guilty.reason[:REASON_MAX])
            self._queue.put_receipt(receipt.encode(buried))
        self._log.error(
            "buried",
            tube=self._sink.tube,
            id=head.id if head else None,
            reason=guilty.reason,
            bytes=len(guilty.update),
        )

    def _sift(self, updates: Sequence[bytes]) -> Iterator[Guilty]:
        """Deliver updates in ever smaller pieces; give those that are refused alone."""
        try:
            if self._deliver(updates) is Verdict.WAIT:
                raise _Waiting
        except BadUpdate as error:
            if len(updates) == 1:
                yield Guilty(updates[0], str(error))
                return
            middle = len(updates) // 2
            yield from self._sift(updates[:middle])
            yield from self._sift(updates[middle:])

    def _deliver(self, updates: Sequence[bytes]) -> Verdict:
        if sum(map(len, updates)) + len(updates) - 1 > self._sink.bytes_max:
            raise BadUpdate(f"larger than a job may be, {self._sink.bytes_max} bytes")
        return self._sink.deliver(updates)


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
