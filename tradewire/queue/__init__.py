"""The queue: its contract, whatever engine is behind it, and how an engine is chosen.

Engines: `tradewire.queue.beanstalk`, and for tests `tradewire.queue.memory`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.limits import MAX_JOB_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

LIVE: Final = "live"
"""The tube whose consumer shows events to browsers."""

ARCHIVE: Final = "archive"
"""The tube whose consumer keeps events for good, and the receipts for what became of them."""

TUBES: Final = (LIVE, ARCHIVE)
"""Every consumer's copy of the stream. A new consumer is a new tube here, and no other part changes."""

DEAD_SUFFIX: Final = ".dead"


@dataclass(frozen=True, slots=True)
class Job:
    """A job in hand: reserved, and to be settled by `delete`, `release` or `bury`."""

    id: int
    body: bytes

    @property
    def events(self) -> list[bytes]:
        """The job's events: one JSON object a line, passed on undecoded."""
        return self.body.split(b"\n")


class Rejected(NamedTuple):
    """An event that can't be handled, and why."""

    event: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A buried event, as an operator sees it."""

    id: int
    tube: str
    reason: str
    dead_lettered_at: str
    event: bytes


class TubeCounts(NamedTuple):
    """How a tube stands, in jobs; `consumers` are connections that watch it."""

    ready: int
    reserved: int
    dead_letters: int
    consumers: int
    oldest_job_age_seconds: int
    """Age of the job that is next; 0 where none is ready."""


class Queue(ABC):
    """One connection to a queue of durable jobs, used by one thread.

    Every call raises QueueUnavailable where the queue is away, answers what does not fit, or can't promise
    to keep what it is given. After that the connection is closed and all that it had reserved is
    forgotten here and given back there; the next `put` or `reserve` connects anew.
    """

    def put(self, body: bytes, tubes: Sequence[str]) -> None:
        """Put one copy of a job into each tube; as `put_all`, of one."""
        self.put_all([body], tubes)

    @abstractmethod
    def put_all(self, bodies: Sequence[bytes], tubes: Sequence[str]) -> None:
        """Put one copy of each job into each tube, in order; return when all of them are kept.

        Where it raises, some tube may have got some of its copies all the same.
        """

    @abstractmethod
    def put_receipt(self, receipt: bytes) -> None:
        """Put a receipt into the archive's tube, before the jobs that it is for are settled.

        No poster is promised anything by it, so it is not held up by a queue that takes no new messages, which
        could then never be emptied.
        """

    @abstractmethod
    def reserve(self, tube: str, limit: int, timeout_seconds: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        """Reserve up to `limit` jobs, oldest first.

        Waits up to the timeout for the first one, never for more; fewer are taken once they amount to
        `bytes_max`. None are there: an empty list.
        """

    @abstractmethod
    def delete(self, jobs: Sequence[Job]) -> None:
        """Settle jobs that are done. One that is no longer ours is someone else's by now, and let be."""

    @abstractmethod
    def release(self, jobs: Sequence[Job]) -> None:
        """Give jobs back, in the place that they had. It costs the queue's log nothing."""

    @abstractmethod
    def dead_letter(self, tube: str, job: Job, rejected: Sequence[Rejected]) -> None:
        """Put each rejected event, with its reason, where an operator sees it; then settle the job."""

    @abstractmethod
    def dead_letters(self, tube: str, limit: int) -> list[DeadLetter]:
        """List the oldest buried events of a tube; an empty list where there are none."""

    @abstractmethod
    def requeue(self, tube: str, dead_letter_id: int) -> bool:
        """Put a buried event back into its tube, as new. False where it is not there."""

    @abstractmethod
    def discard(self, tube: str, dead_letter_id: int) -> bool:
        """Delete a buried event for good. False where it is not there."""

    @abstractmethod
    def counts(self, tube: str) -> TubeCounts:
        """Count the jobs of a tube."""

    @abstractmethod
    def fill(self) -> float:
        """Give how full the queue is, as a share of the bound at which `put` is refused."""

    @abstractmethod
    def check(self) -> None:
        """Raise QueueUnavailable, with the reason, unless what is put now would be kept."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; all that it had reserved is given back. Harmless when closed."""
