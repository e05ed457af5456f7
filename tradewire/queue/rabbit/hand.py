"""The jobs that a connection holds, and what it notes about them for others."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import DEAD_SUFFIX, Job, TubeCounts
from tradewire.queue.dead_letter import HEADER_BYTES
from tradewire.queue.rabbit import stamp
from tradewire.queue.rabbit.notes import Notes
from tradewire.queue.tube_bytes import TubeBytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tradewire.queue.rabbit.receiver import Delivery, Receiver


class Held(NamedTuple):
    """A job that this connection holds."""

    job: Job
    delivery: Delivery

    @property
    def put_at(self) -> int:
        """When it was put, in nanoseconds since 1970."""
        return stamp.nanoseconds(self.delivery.message_id)

    @property
    def letter_id(self) -> str:
        """Its id, if it is a dead letter."""
        return stamp.letter_id(self.delivery.message_id, self.job.body)


class Hand:
    """The jobs that a connection holds. Every call may raise OSError, and what the receiver raises.

    Args:
        folder: For the notes about each tube.
    """

    def __init__(self, folder: Path) -> None:
        self.notes = Notes(folder)
        self._bytes = TubeBytes(folder)
        self._held: dict[str, Held] = {}
        self._missed: set[str] = set()
        """The tubes from which a call may have taken jobs unseen, since its link broke."""
        self._taken = 0

    def __bool__(self) -> bool:
        """Return whether it holds any job."""
        return bool(self._held)

    def own(self, jobs: Sequence[Job]) -> list[Held]:
        """Return those of the jobs that this connection holds."""
        found = [self._held.get(job.id) for job in jobs]
        return [held for held, job in zip(found, jobs, strict=True) if held and held.job is job]

    def note_puts(self, puts: Sequence[tuple[str, bytes]]) -> None:
        """Note jobs that are about to be put. If they are not put after all, the number is corrected some time."""
        for tube in {tube for tube, _ in puts}:
            self.notes.put(tube, sum(name == tube for name, _ in puts))
            self._bytes.claim(tube)

    def add_bytes(self, puts: Iterable[tuple[str, bytes]]) -> None:
        """Add the size of jobs that were put."""
        for tube, body in puts:
            self._bytes.add(tube, len(body))

    def take(self, receiver: Receiver, tube: str, limit: int, wait_seconds: float, bytes_max: float) -> list[Held]:
        """Take jobs of a tube, oldest first. See `Receiver.take`."""
        has_rivals = partial(self.notes.has_rivals, tube)
        with self._taking(receiver, tube):
            return self._hold(tube, receiver.take(tube, limit, wait_seconds, bytes_max, has_rivals))

    def take_counted(self, receiver: Receiver, tube: str, limit: int) -> list[Held]:
        """Take jobs of a tube from which no other connection takes any. See `Receiver.take_counted`."""
        with self._taking(receiver, tube):
            return self._hold(tube, receiver.take_counted(tube, limit))

    def _hold(self, tube: str, deliveries: Sequence[Delivery]) -> list[Held]:
        held = [Held(self._job(tube, delivery), delivery) for delivery in deliveries]
        self._held.update({one.job.id: one for one in held})
        if held:
            self.notes.hold(tube, len(held), held[-1].put_at)
        else:
            self.notes.empty(tube)
        return held

    def accept(self, receiver: Receiver, held: Sequence[Held]) -> None:
        """Remove jobs from their tubes for good."""
        receiver.accept([delivery for _, delivery in held])
        for job, _ in held:
            del self._held[job.id]
            self.notes.settle(job.tube, 1)
            self._bytes.add(job.tube, -len(job.body))

    def give_back(self, receiver: Receiver, held: Sequence[Held]) -> None:
        """Return jobs to their tubes."""
        for tube, jobs in _by_tube(held):
            has_rivals = partial(self.notes.has_rivals, tube)
            receiver.give_back(tube, [delivery for _, delivery in jobs], has_rivals)
            for job, _ in jobs:
                del self._held[job.id]
            self.notes.give_back(tube, len(jobs), jobs[0].put_at)

    def give_back_all(self, receiver: Receiver) -> None:
        """Return all jobs to their tubes."""
        self.give_back(receiver, [*self._held.values()])

    def lose(self) -> None:
        """Forget all jobs, since their link broke. RabbitMQ gives them back some time."""
        held, self._held = [*self._held.values()], {}
        missed, self._missed = self._missed, set()
        for tube, jobs in _by_tube(held):
            self.notes.lose(tube, len(jobs), jobs[0].put_at)
        for tube in missed:
            self.notes.miss(tube, 1)  # or more: nobody knows

    def counts(self, receiver: Receiver, tube: str) -> TubeCounts:
        """Count the jobs of a tube."""
        dead = tube + DEAD_SUFFIX
        ready, dead_ready = self._ready(receiver, tube), self._ready(receiver, dead)
        known, known_dead = self.notes.look(tube), self.notes.look(dead)
        reserved, dead_letters = known.held + known.stray, dead_ready + known_dead.held + known_dead.stray
        return TubeCounts(
            ready=ready,
            reserved=reserved,
            dead_letters=dead_letters,
            consumers=known.consumers,
            oldest_job_age_seconds=self._age(tube, known.head) if ready else 0,
            bytes=self._size(tube, ready + reserved),
            dead_letter_bytes=self._size(dead, dead_letters),
        )

    def total_bytes(self) -> int:
        """Return the size of all jobs of all tubes."""
        return sum(max(0, self._bytes.total(tube)) for tube in self._bytes.tubes())

    def close(self) -> None:
        """Give the files back. All jobs must be settled or lost."""
        self.notes.close()
        self._bytes.close()

    @contextmanager
    def _taking(self, receiver: Receiver, tube: str) -> Iterator[None]:
        """Make a call that takes jobs. If it fails, RabbitMQ may hold some of them for the link."""
        self.notes.claim(tube)
        self._bytes.claim(tube)
        try:
            yield
        except BaseException:
            if receiver.may_lose:
                self._missed.add(tube)
            raise

    def _job(self, tube: str, delivery: Delivery) -> Job:
        self._taken += 1
        return Job(f"{self._taken}", tube, delivery.body)

    def _ready(self, receiver: Receiver, tube: str) -> int:
        """Return how many jobs of a tube are ready.

        RabbitMQ answers 0, too, while a queue's leader is missing or slow. So it is asked for a job if need be.
        """
        before = self.notes.look(tube)
        ready = receiver.ready(tube)
        known = self.notes.look(tube)
        if ready:
            if ready + min(before.held - before.jobs, known.held - known.jobs) > 0:  # some were put twice
                self.notes.correct(tube, ready + known.held)
            return ready
        if known.jobs > known.held + known.stray:
            with self._taking(receiver, tube):
                ready = receiver.ready_for_certain(tube)
            if not ready:
                self.notes.correct(tube, known.held + known.stray)
        if not ready:
            self.notes.empty(tube)
        return ready

    def _age(self, tube: str, head: int) -> int:
        """Return the age of a tube's next job in seconds, given a time before it was put."""
        if not head:  # this tube was never looked at, so the age is counted from now on
            self.notes.empty(tube)
            return 0
        return max(0, time.time_ns() - head) // 10**9

    def _size(self, tube: str, jobs: int) -> int:
        if not jobs:
            self._bytes.correct(tube)
            return 0
        return min(max(0, self._bytes.total(tube)), jobs * (MAX_JOB_BYTES + HEADER_BYTES))


def _by_tube(held: Sequence[Held]) -> Iterator[tuple[str, list[Held]]]:
    """Group jobs by tube, oldest first in each."""
    for tube in dict.fromkeys(one.job.tube for one in held):
        yield tube, sorted((one for one in held if one.job.tube == tube), key=lambda one: one.put_at)
