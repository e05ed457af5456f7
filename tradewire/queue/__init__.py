"""The contract of a queue. Each engine implements `Queue`; `tradewire.queue.factory` opens the engine of a URL.

`tradewire.queue.memory` is an engine for tests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.limits import MAX_JOB_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

LIVE: Final = "live"
"""The tube whose consumer shows events to browsers. `Settings.tubes` has all tubes of a stack."""

ARCHIVE: Final = "archive"
"""The tube whose consumer saves events in the store, and the receipts about them."""

DEAD_SUFFIX: Final = ".dead"
"""The dead letters of the tube `live` are in the tube `live.dead`."""


@dataclass(frozen=True, slots=True)
class Job:
    """A reserved job. Settle it with `Queue.delete`, `Queue.release` or `Queue.dead_letter`."""

    id: str
    """Opaque. Valid only on the connection that reserved the job."""
    tube: str
    """The tube that it was reserved from."""
    body: bytes

    @property
    def events(self) -> list[bytes]:
        """The job's lines, still encoded: one event each, or a receipt in the archive's tube."""
        return self.body.split(b"\n")


class Rejected(NamedTuple):
    """An event that can't be processed, and the reason."""

    event: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A rejected event that waits for an operator."""

    id: str
    """Opaque: 1 to 64 ASCII letters, digits, `_` and `-`. Unique within the tube."""
    tube: str
    """The tube that the event came from."""
    reason: str
    dead_lettered_at: str
    """When it was rejected, ISO 8601 with an offset. Empty if someone else put it among the dead letters."""
    event: bytes


class TubeCounts(NamedTuple):
    """The state of a tube. All counts are of jobs, unless another unit is given."""

    ready: int
    """Jobs that wait to be reserved."""
    reserved: int
    dead_letters: int
    """Dead letters of this tube, one event each."""
    consumers: int
    """Connections that reserve from this tube."""
    oldest_job_age_seconds: int
    """Age of the job that is next to be reserved, by the queue's own clock. 0 if no job is ready."""
    bytes: int
    """Size of the ready and reserved jobs. A process that was killed may leave an error of a few jobs; it is gone once
    the tube has been empty."""
    dead_letter_bytes: int
    """Size of the dead letters, with the same error."""


class Queue(ABC):
    """One connection to a queue of durable jobs. Use it from one thread only; it connects on its own when needed.

    Every call but `close` raises QueueUnavailable if the queue can't be reached, breaks its protocol or can't
    guarantee to keep new jobs. The connection is then closed: the queue releases every job that this connection had
    reserved, and this object forgets them. The next `put` or `reserve` opens another connection.

    Example:
        queue = open_queue(settings.queue, settings.queue_max_bytes, settings.counters)
        queue.put(line, settings.tubes)
        jobs = queue.reserve(LIVE, limit=500, timeout_seconds=1)
        show([event for job in jobs for event in job.events])
        queue.delete(jobs)
    """

    def put(self, body: bytes, tubes: Sequence[str]) -> None:
        """Put one copy of a job into each tube. The same as `put_all` with a single body."""
        self.put_all([body], tubes)

    @abstractmethod
    def put_all(self, bodies: Sequence[bytes], tubes: Sequence[str]) -> None:
        """Put one copy of each job into each tube. Return once the queue has confirmed all of them.

        Args:
            bodies: The jobs' bodies, at most MAX_JOB_BYTES each. Each tube gets them in this order.
            tubes: The tubes' names.

        Raises:
            QueueUnavailable: Nothing is promised, but some copies may have been put.
        """

    @abstractmethod
    def put_receipt(self, receipt: bytes) -> None:
        """Put a receipt into the archive's tube. Call this before the jobs that it is about are settled.

        A queue that is too full to accept messages still accepts receipts: without them, nothing could leave it.

        Args:
            receipt: An encoded receipt.
        """

    @abstractmethod
    def put_mark(self, tube: str, mark: bytes) -> None:
        """Put a mark into a tube (see `tradewire.mark`).

        Like `put_receipt`, this works while the queue is too full to accept messages.

        Args:
            tube: The tube's name.
            mark: An encoded mark.
        """

    @abstractmethod
    def reserve(self, tube: str, limit: int, timeout_seconds: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        """Reserve the oldest jobs of a tube. Other connections can't reserve them until they are released.

        Args:
            tube: The tube's name.
            limit: Most jobs to reserve.
            timeout_seconds: How long to wait for the first job. The call never waits for more jobs.
            bytes_max: Reserve no further jobs once their bodies add up to this. The total may exceed it.

        Returns:
            The jobs, oldest first. Empty if the time ran out.
        """

    @abstractmethod
    def reserve_oldest(self, tube: str, limit: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        """Reserve the oldest jobs of a tube without counting as one of its consumers.

        This is for maintenance: it is slower than `reserve` and never waits. Other connections may reserve jobs in
        between.

        Args:
            tube: The tube's name.
            limit: Most jobs to reserve.
            bytes_max: As for `reserve`.

        Returns:
            The jobs, oldest first.
        """

    @abstractmethod
    def delete(self, jobs: Sequence[Job]) -> None:
        """Settle jobs that are done. Jobs that this connection no longer holds are left alone."""

    @abstractmethod
    def release(self, jobs: Sequence[Job]) -> None:
        """Return jobs to their tube, each in its old place. This must not use disk space, however often it happens.

        Jobs that this connection no longer holds are left alone.
        """

    @abstractmethod
    def put_again(self, tube: str, events: Sequence[bytes]) -> None:
        """Put events into their tube again, each as a job. Call this before the jobs that held them are settled.

        Like `put_receipt`, this works while the queue is too full to accept messages.

        Args:
            tube: The tube that the events came from.
            events: Encoded events of jobs that this connection has reserved.
        """

    @abstractmethod
    def dead_letter(self, job: Job, rejected: Sequence[Rejected]) -> None:
        """Make a dead letter of each rejected event, and only then settle the job.

        Args:
            job: A job whose other events have been delivered.
            rejected: The rejected events. An event larger than MAX_JOB_BYTES is cut, and its reason says so.
        """

    @abstractmethod
    def dead_letters(self, tube: str, limit: int) -> list[DeadLetter]:
        """Return the dead letters of a tube, oldest first, at most `limit`."""

    @abstractmethod
    def requeue(self, tube: str, dead_letter_id: str) -> bool:
        """Move a dead letter's event back into its tube, as the newest job. Return False if there is no such letter."""

    @abstractmethod
    def discard(self, tube: str, dead_letter_id: str) -> bool:
        """Delete a dead letter for good. Return False if there is no such letter."""

    @abstractmethod
    def counts(self, tube: str) -> TubeCounts:
        """Count the jobs of a tube."""

    def has_strays(self, tube: str) -> bool:  # noqa: ARG002 - most engines give jobs back at once
        """Return whether the queue may still hold jobs of a tube for a connection that broke. `counts` includes them.

        Such jobs go back to their places later, without anyone counting that. So no mark passes meanwhile.
        """
        return False

    @abstractmethod
    def fill(self) -> float:
        """Return how full the queue is: 1.0 is the size at which `put` is refused."""

    @abstractmethod
    def check(self) -> None:
        """Check that the queue would keep a job that is put now.

        Raises:
            QueueUnavailable: It would not; the message says why.
        """

    def maintain(self, *, may_restart: bool) -> str | None:  # noqa: ARG002 - most engines have nothing to repair
        """Repair what the queue can't repair by itself. The keeper calls this again and again.

        Args:
            may_restart: Whether the queue's server may be ended, since a supervisor on this host starts it again.

        Returns:
            The fault and the repair under way, for a log. None if nothing is wrong.
        """
        return None

    @abstractmethod
    def close(self) -> None:
        """Close the connection. The queue then releases its reserved jobs. Does nothing if it is closed."""
