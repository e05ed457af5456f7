"""Expiry: gives up events that waited for too long, or that take more of the queue than their tube's share.

The archive still has these events.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from processor.marks import Marks, split
from tradewire import event, metrics, receipt
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import Rejected
from tradewire.queue.dead_letter import HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from structlog.stdlib import BoundLogger

    from processor.turns import Turns
    from tradewire.queue import DeadLetter, Job, Queue, TubeCounts

BATCH_JOBS: Final = 500
BATCH_BYTES: Final = 4 * MAX_JOB_BYTES
BATCH_DEAD_LETTERS: Final = 100


class Expiry:
    """Gives up the waiting events of one consumer, whether its processors run or not. It puts a receipt for each.

    - An event that is over the maximum age expires.
    - While the tube's jobs and dead letters together are larger than its share, the oldest jobs are evicted.
    - While the dead letters alone are larger than half of the share, the oldest of them are evicted.

    Args:
        queue: A connection of its own.
        turns: The program's turns in the consumer's tube.
        max_age_seconds: The maximum age of an event. None: there is no such age.
        share_bytes: The share of the tube, its dead letters included.
        announce: Called before events are given up.
        log: Gets a line for each batch.
    """

    def __init__(
        self,
        queue: Queue,
        turns: Turns,
        max_age_seconds: int | None,
        share_bytes: int,
        announce: Callable[[], None],
        log: BoundLogger,
    ) -> None:
        self._queue = queue
        self._tube = turns.tube
        self._max_age_seconds = max_age_seconds
        self._share_bytes = share_bytes
        self._announce = announce
        self._turns = turns
        self._marks = Marks(queue, turns)
        self._log = log

    def step(self) -> bool:
        """Give up the oldest events that are due, a few hundred jobs at most. Return whether more may be due.

        Raises:
            QueueUnavailable: The queue can't be used. Some jobs may still be reserved: close the queue.
        """
        counts = self._queue.counts(self._tube)
        dead_excess = counts.dead_letter_bytes - self._share_bytes // 2
        excess = counts.bytes + counts.dead_letter_bytes - self._share_bytes
        if dead_excess > 0:
            return self._evict_dead_letters(dead_excess)
        if excess > 0 and counts.ready:
            with self._turns.turn(self._queue):
                return self._evict(excess)
        if self._max_age_seconds is not None and counts.oldest_job_age_seconds >= self._max_age_seconds:
            with self._turns.turn(self._queue):
                return self._expire(counts, timedelta(seconds=self._max_age_seconds))
        return False

    def drop_all(self, record: Callable[[Sequence[DeadLetter]], object]) -> None:
        """Give up all waiting events and dead letters, because the consumer is switched off.

        Args:
            record: Records dead letters in the audit trail. It is called before they are deleted.

        Raises:
            Unavailable: The dead letters can't be recorded. They are still there.
            QueueUnavailable: The queue can't be used. Some jobs may still be reserved: close the queue.
        """
        with self._turns.turn(self._queue):
            while reserved := self._queue.reserve_oldest(self._tube, BATCH_JOBS, BATCH_BYTES):
                jobs, marks = split(reserved)
                self._give_up([*map(_OldJob.of, jobs)], "dropped")
                self._queue.delete([job for job, _ in marks])
        while letters := self._queue.dead_letters(self._tube, BATCH_DEAD_LETTERS):
            record(letters)
            self._discard(letters, "dropped")

    def _evict(self, excess: int) -> bool:
        jobs = self._reserve(min(excess, BATCH_BYTES))
        self._give_up(jobs, "evicted")
        return excess > sum(len(job.body) for job, _ in jobs) > 0

    def _expire(self, counts: TubeCounts, max_age: timedelta) -> bool:
        jobs = self._reserve(BATCH_BYTES)
        ages = [age for job in jobs if (age := job.age)]
        # The queue has its own clock. If ours is ahead of it, the events are younger than they seem. The oldest job
        # shows the difference. An event that was put anew also seems older than its job, but such events come last.
        oldest_in_queue = timedelta(seconds=counts.oldest_job_age_seconds + 1)
        ahead = max(timedelta(), ages[0] - oldest_in_queue) if ages else timedelta()
        due = list(takewhile(lambda job: (job.age or timedelta.max) - ahead >= max_age, jobs))
        self._give_up(due, "age")
        self._queue.release([job for job, _ in jobs[len(due) :]])
        self._turns.count_returned()
        return 0 < len(due) == len(jobs)

    def _reserve(self, bytes_max: int) -> list[_OldJob]:
        """Reserve the oldest jobs with events. Marks among them move to the end."""
        jobs, marks = split(self._queue.reserve_oldest(self._tube, BATCH_JOBS, bytes_max))
        self._marks.put_anew(marks)
        return [*map(_OldJob.of, jobs)]

    def _give_up(self, jobs: Sequence[_OldJob], reason: str) -> None:
        """Put receipts for the jobs' events and delete the jobs. Unreadable events become dead letters."""
        if not jobs:
            return
        self._announce()
        ids = [header.id for _, headers in jobs for header in headers if header]
        self._put_receipts("expired", ids, reason)
        metrics.expired(self._tube, reason, len(ids))
        self._queue.delete([job for job, headers in jobs if all(headers)])
        for job, headers in jobs:
            if not all(headers):
                unreadable = [line for line, header in zip(job.events, headers, strict=True) if not header]
                self._queue.dead_letter(job, [Rejected(line, "not an event") for line in unreadable])
                metrics.dead_lettered(self._tube, len(unreadable))

    def _evict_dead_letters(self, excess: int) -> bool:
        """Discard the oldest dead letters. Their events are in the archive, so only the chance to requeue is lost."""
        evicted = []
        for letter in self._queue.dead_letters(self._tube, BATCH_DEAD_LETTERS):
            if excess <= 0:
                break
            evicted.append(letter)
            excess -= len(letter.event) + HEADER_BYTES  # or less: the next step evicts the rest
        self._discard(evicted, "evicted")
        return bool(evicted)

    def _discard(self, letters: Sequence[DeadLetter], reason: str) -> None:
        headers = [header for letter in letters if (header := event.peek(letter.event))]
        self._put_receipts("discarded", [header.id for header in headers], reason)
        for letter in letters:
            self._queue.discard(self._tube, letter.id)

    def _put_receipts(self, kind: receipt.Kind, ids: Sequence[str], reason: str) -> None:
        for line in receipt.encode_all(kind, self._tube, ids, reason):
            self._queue.put_receipt(line)
        if ids:
            self._log.warning(kind, tube=self._tube, messages=len(ids), reason=reason, first=ids[0], last=ids[-1])


class _OldJob(NamedTuple):
    """A reserved job and the headers of its events. A header is None if its event can't be read."""

    job: Job
    headers: list[event.EventHeader | None]

    @classmethod
    def of(cls, job: Job) -> _OldJob:
        """Read the headers of a job's events."""
        return cls(job, [*map(event.peek, job.events)])

    @property
    def age(self) -> timedelta | None:
        """The age of the last event, by this host's clock. None if that can't be read."""
        last = self.headers[-1]
        return datetime.now(UTC) - last.received_at if last and last.received_at else None
