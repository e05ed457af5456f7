"""Expiry: drops jobs that were not delivered within the maximum age. The archive still has their events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from tradewire import event, metrics, receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from structlog.stdlib import BoundLogger

    from tradewire.consumer import Consumer
    from tradewire.queue import Job, Queue

BATCH_JOBS: Final = 500
FILL_MAX: Final = 0.5
"""How full the queue may be before waiting jobs are evicted. At 1.0 the queue refuses messages; an hour without
browsers must not lead to that."""
EVICTION_AGE: Final = timedelta(seconds=10)
"""Only jobs of this age or older are evicted. Younger ones are about to be delivered and don't fill the queue."""


class Expiry:
    """Drops the waiting jobs of one consumer that are over the maximum age, whether its processors run or not.

    While the queue is fuller than `FILL_MAX`, it also evicts the jobs over `EVICTION_AGE`. It puts a receipt for each
    event that it drops.

    Args:
        queue: A connection of its own.
        consumer: Its declaration. It names the tube, and the maximum age of an event, counted from when it was
            received.
        log: Gets a line for each dropped batch.
    """

    def __init__(self, queue: Queue, consumer: Consumer, log: BoundLogger) -> None:
        self._queue = queue
        self._tube = consumer.name
        seconds = consumer.max_age_seconds
        self._max_age = timedelta.max if seconds is None else timedelta(seconds=seconds)
        self._log = log

    def step(self) -> bool:
        """Drop the oldest jobs that are due, a few hundred at most. Return whether more may be due.

        Raises:
            QueueUnavailable: The queue can't be used. Some jobs may still be reserved: close the queue.
        """
        is_filling = self._queue.fill() > FILL_MAX  # before reserving: fill() may reconnect, which loses reserved jobs
        oldest = self._queue.reserve_oldest(self._tube, 1)
        reason, min_age = self._reason(oldest, is_filling=is_filling)
        if not reason:
            if oldest:
                self._queue.release(oldest)
            return False
        jobs = oldest + self._queue.reserve_oldest(self._tube, BATCH_JOBS - 1)
        expired = list(takewhile(lambda job: _age(job) >= min_age, jobs))
        self._put_receipts(expired, reason)
        self._queue.delete(expired)
        self._queue.release(jobs[len(expired) :])
        return len(expired) == len(jobs)

    def _reason(self, oldest: Sequence[Job], *, is_filling: bool) -> tuple[str, timedelta]:
        """Return why the oldest job must be dropped, if it must, and the least age of jobs to drop with it."""
        age = max(map(_age, oldest), default=timedelta())
        if age >= self._max_age:
            return "age", self._max_age
        if age >= EVICTION_AGE and is_filling:
            return "evicted", EVICTION_AGE
        return "", self._max_age

    def _put_receipts(self, jobs: Sequence[Job], reason: str) -> None:
        headers = [header for job in jobs for header in _headers(job)]
        for expired in receipt.encode_all("expired", self._tube, [header.id for header in headers], reason):
            self._queue.put_receipt(expired)
        metrics.expired(self._tube, reason, len(headers))
        first, last = headers[0].id, headers[-1].id
        self._log.warning("expired", tube=self._tube, messages=len(headers), reason=reason, first=first, last=last)


def _age(job: Job) -> timedelta:
    """Return the age of a job's last event.

    Return 0 if any of its events can't be read. The job then goes to its consumer, which makes a dead letter of it.
    """
    headers = _headers(job)
    received_at = headers[-1].received_at if len(headers) == len(job.events) else None
    return datetime.now(UTC) - received_at if received_at else timedelta()


def _headers(job: Job) -> list[event.EventHeader]:
    return [header for header in map(event.peek, job.events) if header]
