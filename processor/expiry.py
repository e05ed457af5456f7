"""Expiry: what no browser was there for in time is left to the archive alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from tradewire import event, metrics, receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from structlog.stdlib import BoundLogger

    from tradewire.queue import Job, Queue

LOOK_SECONDS: Final = 1.0
BATCH_JOBS: Final = 500
FILL_MAX: Final = 0.5
"""The share of the queue's bound that may be taken before live jobs make room: an hour without browsers must never
close the throttle to producers."""
EVICTION_AGE: Final = timedelta(seconds=10)
"""Younger jobs are on their way to browsers: it is not they who fill the queue."""


class Expiry:
    """Gives up jobs of one tube that are too old, or, where the queue fills up, that wait for nobody.

    Each leaves a receipt. Whoever wants to see them finds them in the archive.
    """

    def __init__(self, queue: Queue, tube: str, max_age_seconds: int, log: BoundLogger) -> None:
        self._queue = queue
        self._tube = tube
        self._max_age = timedelta(seconds=max_age_seconds)
        self._log = log
        self._look_at = 0.0

    def step(self) -> None:
        """Once a second, look at the oldest job and give up what is there to give up. Raises QueueUnavailable."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        # No longer than until the next look is due: there may be live ones behind.
        while time.monotonic() < self._look_at and self._give_up_some():
            pass

    def _give_up_some(self) -> bool:
        """Give up some jobs, oldest first; tell whether there may be more."""
        is_filling = self._queue.fill() > FILL_MAX  # asked before anything is held: a new connection holds nothing
        oldest = self._queue.reserve(self._tube, 1, 0)
        reason, limit = self._reason(oldest, is_filling=is_filling)
        if not reason:
            if oldest:
                self._queue.release(oldest)
            return False
        jobs = oldest + self._queue.reserve(self._tube, BATCH_JOBS - 1, 0)
        given_up = list(takewhile(lambda job: _age(job) >= limit, jobs))
        self._tell(given_up, reason)
        self._queue.delete(given_up)
        self._queue.release(jobs[len(given_up) :])
        return len(given_up) == len(jobs)

    def _reason(self, oldest: Sequence[Job], *, is_filling: bool) -> tuple[str, timedelta]:
        """Tell why the oldest job must go, if it must, and how old whatever goes with it must be."""
        age = max(map(_age, oldest), default=timedelta())
        if age >= self._max_age:
            return "age", self._max_age
        if age >= EVICTION_AGE and is_filling:
            return "evicted", EVICTION_AGE
        return "", self._max_age

    def _tell(self, jobs: Sequence[Job], reason: str) -> None:
        heads = [head for job in jobs for head in _heads(job)]
        now = event.format_time(datetime.now(UTC))
        for start in range(0, len(heads), receipt.IDS_MAX):
            ids = [head.id for head in heads[start : start + receipt.IDS_MAX]]
            expired = receipt.Receipt("expired", now, ids, self._tube, reason=reason)
            self._queue.put_receipt(receipt.encode(expired))
        metrics.expired(reason, len(heads))
        self._log.warning("expired unseen", messages=len(heads), reason=reason, first=heads[0].id, last=heads[-1].id)


def _age(job: Job) -> timedelta:
    """Give the age of a job's last event; none where one can't be read, so that its consumer gets to see it."""
    heads = _heads(job)
    received_at = heads[-1].received_at if len(heads) == len(job.events) else None
    return datetime.now(UTC) - received_at if received_at else timedelta()


def _heads(job: Job) -> list[event.EventHeader]:
    return [head for head in map(event.peek, job.events) if head]
