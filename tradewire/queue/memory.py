"""A queue in memory, for tests. It keeps the same contract as the other engines."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tradewire.errors import QueueUnavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import ARCHIVE, DEAD_SUFFIX, DeadLetter, Job, Queue, Rejected, TubeCounts, dead_letter

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Broker:
    """The state that all connections of one in-memory queue share. While `fault` is set, the queue is unavailable."""

    fault: str | None = None
    max_bytes: int = 10**9
    ready: defaultdict[str, dict[str, Job]] = field(default_factory=lambda: defaultdict(dict))
    reserved: dict[str, Job] = field(default_factory=dict)
    put_at: dict[str, float] = field(default_factory=dict)
    watchers: dict[MemoryQueue, str] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    arrived: threading.Condition = field(default_factory=threading.Condition)


class MemoryQueue(Queue):
    """One connection to a `Broker`."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._held: dict[str, Job] = {}

    def put_all(self, bodies: Sequence[bytes], tubes: Sequence[str]) -> None:
        self.check()
        for body in bodies:
            self._put(body, tubes)

    def put_receipt(self, receipt: bytes) -> None:
        self._check_reachable()
        self._put(receipt, [ARCHIVE])

    def put_mark(self, tube: str, mark: bytes) -> None:
        self._check_reachable()
        self._put(mark, [tube])

    def reserve(self, tube: str, limit: int, timeout_seconds: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        self._check_reachable()
        self._broker.watchers[self] = tube
        return self._reserve(tube, limit, timeout_seconds, bytes_max)

    def reserve_oldest(self, tube: str, limit: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        self._check_reachable()
        return self._reserve(tube, limit, 0, bytes_max)

    def _reserve(self, tube: str, limit: int, timeout_seconds: int, bytes_max: int) -> list[Job]:
        jobs: list[Job] = []
        with self._broker.arrived:
            waiting = self._broker.ready[tube]
            self._broker.arrived.wait_for(lambda: waiting, timeout_seconds)
            while waiting and len(jobs) < limit and sum(len(job.body) for job in jobs) < bytes_max:
                job = waiting.pop(min(waiting))
                self._held[job.id] = job
                self._broker.reserved[job.id] = job
                jobs.append(job)
        return jobs

    def delete(self, jobs: Sequence[Job]) -> None:
        self._check_reachable()
        for job in jobs:
            self._drop(job)

    def release(self, jobs: Sequence[Job]) -> None:
        self._check_reachable()
        with self._broker.arrived:
            for job in jobs:
                if self._drop(job):
                    self._broker.ready[job.tube][job.id] = job
            self._broker.arrived.notify_all()

    def put_again(self, tube: str, events: Sequence[bytes]) -> None:
        self._check_reachable()
        for event in events:
            self._put(event, [tube])

    def dead_letter(self, job: Job, rejected: Sequence[Rejected]) -> None:
        for rejection in rejected:
            self._put(dead_letter.encode(job.tube, rejection), [job.tube + DEAD_SUFFIX])
        self.delete([job])

    def dead_letters(self, tube: str, limit: int) -> list[DeadLetter]:
        self._check_reachable()
        waiting = self._broker.ready[tube + DEAD_SUFFIX]
        return [dead_letter.decode(tube, job_id, waiting[job_id].body) for job_id in sorted(waiting)[:limit]]

    def requeue(self, tube: str, dead_letter_id: str) -> bool:
        self._check_reachable()
        job = self._broker.ready[tube + DEAD_SUFFIX].pop(dead_letter_id, None)
        if job:
            self._put(dead_letter.decode(tube, job.id, job.body).event, [tube])
        return job is not None

    def discard(self, tube: str, dead_letter_id: str) -> bool:
        self._check_reachable()
        return self._broker.ready[tube + DEAD_SUFFIX].pop(dead_letter_id, None) is not None

    def counts(self, tube: str) -> TubeCounts:
        self._check_reachable()
        waiting = self._broker.ready[tube]
        reserved = [job for job in self._broker.reserved.values() if job.tube == tube]
        dead_letters = self._broker.ready[tube + DEAD_SUFFIX].values()
        return TubeCounts(
            ready=len(waiting),
            reserved=len(reserved),
            dead_letters=len(dead_letters),
            consumers=sum(watched == tube for watched in self._broker.watchers.values()),
            oldest_job_age_seconds=int(time.monotonic() - self._broker.put_at[min(waiting)]) if waiting else 0,
            bytes=sum(len(job.body) for job in (*waiting.values(), *reserved)),
            dead_letter_bytes=sum(len(job.body) for job in dead_letters),
        )

    def fill(self) -> float:
        self._check_reachable()
        ready = (job for jobs in self._broker.ready.values() for job in jobs.values())
        return sum(len(job.body) for job in ready) / self._broker.max_bytes

    def check(self) -> None:
        if self.fill() > 1:
            self.close()
            raise QueueUnavailable(f"the queue is full: it holds over {self._broker.max_bytes} bytes")

    def close(self) -> None:
        with self._broker.arrived:
            for job in list(self._held.values()):
                self._drop(job)
                self._broker.ready[job.tube][job.id] = job
            self._broker.arrived.notify_all()
        self._broker.watchers.pop(self, None)

    def _check_reachable(self) -> None:
        if self._broker.fault:
            self.close()
            raise QueueUnavailable(self._broker.fault)

    def _put(self, body: bytes, tubes: Sequence[str]) -> None:
        with self._broker.arrived:
            for tube in tubes:
                job = Job(f"memory-{next(self._broker.ids):012}", tube, body)  # sorts by age
                self._broker.ready[tube][job.id] = job
                self._broker.put_at[job.id] = time.monotonic()
            self._broker.arrived.notify_all()

    def _drop(self, job: Job) -> bool:
        """Forget a held job. Return False if this connection does not hold it."""
        if self._held.get(job.id) is not job:
            return False
        del self._held[job.id], self._broker.reserved[job.id]
        return True
