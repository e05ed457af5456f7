"""The queue of the beanstalkd engine.

Facts about beanstalkd are from the protocol.txt of its version 1.12.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import greenstalk

from tradewire import unix_socket
from tradewire.errors import QueueUnavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import ARCHIVE, DEAD_SUFFIX, DeadLetter, Job, Queue, Rejected, TubeCounts, dead_letter
from tradewire.queue.beanstalk import faults
from tradewire.queue.beanstalk.connection import ANSWER_SECONDS, Connection, UnreadableJobError
from tradewire.queue.beanstalk.log import LOG_STOPPED, LogWatch
from tradewire.queue.beanstalk.log_files import LogFiles
from tradewire.queue.beanstalk.restart import Restarter
from tradewire.queue.beanstalk.rewrite import Rewriter
from tradewire.queue.tube_bytes import TubeBytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_T = TypeVar("_T")

_TRUST_SECONDS: Final = 1.0
"""How long a check is valid that the queue is neither full nor draining. Each put checks the log itself."""
_FIRST_CHUNK_JOBS: Final = 4
_LARGEST_CHUNK_JOBS: Final = 64
"""Bounds the size of one round trip: at worst each job has MAX_JOB_BYTES."""
_JOB_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")
"""Other ids aren't beanstalkd's."""


class BeanstalkQueue(Queue):
    """One connection to beanstalkd.

    Args:
        url: See TRADEWIRE_QUEUE_URL.
        max_bytes: Size of beanstalkd's log at which `put` is refused.
        folder: For the counts of bytes in each tube.
    """

    def __init__(self, url: str, max_bytes: int, folder: Path) -> None:
        self._url = urlsplit(url)
        self._tube_bytes = TubeBytes(folder)
        self._connection: Connection | None = None
        files = LogFiles() if self._url.path else None
        self._log = LogWatch(max_bytes, files)
        self._rewriter = Rewriter(files) if files else None
        self._restarter = Restarter(files) if files else None
        self._trusted_until = 0.0

    def put_all(self, bodies: Sequence[bytes], tubes: Sequence[str]) -> None:
        if time.monotonic() >= self._trusted_until:
            self.check()
        puts = [(tube, body) for tube in tubes for body in bodies]
        try:
            # A second try after a restart of beanstalkd can put an event twice. Its id stays the same, so it is
            # still shown and archived once.
            fault = self._retry(lambda connection: self._put_and_confirm(connection, puts))
        except QueueUnavailable:
            self._log.doubt()
            self._trusted_until = 0.0
            raise
        self._raise(fault)

    def put_receipt(self, receipt: bytes) -> None:
        with self._connected() as connection:
            connection.put_all([(ARCHIVE, receipt)])

    def put_mark(self, tube: str, mark: bytes) -> None:
        with self._connected() as connection:
            connection.put_all([(tube, mark)])

    def reserve(self, tube: str, limit: int, timeout_seconds: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        with self._connected() as connection:
            connection.watch_only(tube)
            count = min(_FIRST_CHUNK_JOBS, limit)
            jobs = chunk = connection.reserve_many(count, timeout_seconds)
            size = sum(len(job.body) for job in chunk)
            while len(chunk) == count and len(jobs) < limit and size < bytes_max:
                count = min(2 * count, _LARGEST_CHUNK_JOBS, limit - len(jobs))
                chunk = connection.reserve_many(count)
                size += sum(len(job.body) for job in chunk)
                jobs = jobs + chunk
            return jobs

    def reserve_oldest(self, tube: str, limit: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        with self._connected() as connection:
            return connection.reserve_oldest(tube, limit, bytes_max)

    def delete(self, jobs: Sequence[Job]) -> None:
        with self._holding() as connection:
            connection.delete_all(jobs)

    def release(self, jobs: Sequence[Job]) -> None:
        with self._holding() as connection:
            connection.release_all(jobs)

    def put_again(self, tube: str, events: Sequence[bytes]) -> None:
        with self._holding() as connection:
            connection.put_all([(tube, event) for event in events])

    def dead_letter(self, job: Job, rejected: Sequence[Rejected]) -> None:
        # beanstalkd's own bury takes whole jobs, keeps no reason, and shows only the oldest job.
        letters = [(job.tube + DEAD_SUFFIX, dead_letter.encode(job.tube, rejection)) for rejection in rejected]
        with self._holding() as connection:
            connection.put_all(letters)
            connection.delete_all([job])

    def dead_letters(self, tube: str, limit: int) -> list[DeadLetter]:
        jobs: list[Job] = []
        with self._connected() as connection:
            connection.watch_only(tube + DEAD_SUFFIX)
            while len(jobs) < limit:
                chunk = connection.reserve_many(min(_LARGEST_CHUNK_JOBS, limit - len(jobs)))
                if not chunk:
                    break
                jobs += chunk
        if jobs:
            self.release(jobs)
        return [dead_letter.decode(tube, job.id, job.body) for job in jobs]

    def requeue(self, tube: str, dead_letter_id: str) -> bool:
        job = self._reserve_dead_letter(tube, dead_letter_id)
        if job is None:
            return False
        with self._holding() as connection:
            connection.put_all([(tube, dead_letter.decode(tube, job.id, job.body).event)])
            self._delete_for_good(connection, job)
        return True

    def discard(self, tube: str, dead_letter_id: str) -> bool:
        job = self._reserve_dead_letter(tube, dead_letter_id)
        if job is None:
            return False
        with self._holding() as connection:
            self._delete_for_good(connection, job)
        return True

    def counts(self, tube: str) -> TubeCounts:
        with self._connected() as connection:
            facts, dead, age_seconds = connection.look(tube, tube + DEAD_SUFFIX)
            dead_letters = dead.ready + dead.reserved
            return TubeCounts(
                ready=facts.ready,
                reserved=facts.reserved,
                dead_letters=dead_letters,
                consumers=facts.watching,
                oldest_job_age_seconds=age_seconds,
                bytes=self._bytes(tube, facts.ready + facts.reserved),
                dead_letter_bytes=self._bytes(tube + DEAD_SUFFIX, dead_letters),
            )

    def fill(self) -> float:
        return self._retry(lambda connection: self._log.fill(connection.stats()))

    def check(self) -> None:
        self._trusted_until = 0.0
        self._raise(self._retry(self._log.fault))
        self._trusted_until = time.monotonic() + _TRUST_SECONDS

    def maintain(self, *, may_restart: bool) -> str | None:
        return self._retry(lambda connection: self._mend(connection, may_restart=may_restart))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()
        self._tube_bytes.close()

    def _put_and_confirm(self, connection: Connection, puts: Sequence[tuple[str, bytes]]) -> str | None:
        return self._log.unwritten(connection, connection.put_all_and_stats(puts))

    def _mend(self, connection: Connection, *, may_restart: bool) -> str | None:
        if not self._log.has_stopped(connection):
            return self._rewriter.step(connection) if self._rewriter else None
        return self._restarter.step(connection) if self._restarter and may_restart else None

    def _delete_for_good(self, connection: Connection, job: Job) -> None:
        """Delete a job. Raise QueueUnavailable if it would come back with a restart of beanstalkd."""
        connection.delete_all([job])
        self._refuse_without_log(connection)

    def _refuse_without_log(self, connection: Connection) -> None:
        if self._log.has_stopped(connection):
            self._raise(LOG_STOPPED)

    def _raise(self, fault: str | None) -> None:
        if fault:
            self._trusted_until = 0.0
            self.close()
            raise QueueUnavailable(fault)

    def _bytes(self, tube: str, jobs: int) -> int:
        if not jobs:
            self._tube_bytes.correct(tube)
            return 0
        # Programs of other hosts may put and delete jobs, too, and count them there.
        return min(max(0, self._tube_bytes.total(tube)), jobs * MAX_JOB_BYTES)

    def _reserve_dead_letter(self, tube: str, dead_letter_id: str) -> Job | None:
        with self._connected() as connection:
            self._refuse_without_log(connection)
            if not _JOB_NUMBER.fullmatch(dead_letter_id):
                return None
            number = int(dead_letter_id)
            try:
                stats = connection.stats_job(number)
                if stats["tube"] != tube + DEAD_SUFFIX:
                    return None
                return connection.reserve_by_number(number, stats["tube"])
            except greenstalk.NotFoundError:
                return None

    def _retry(self, call: Callable[[Connection], _T]) -> _T:
        """Make a call that may be made twice: if the open connection turns out to be dead, repeat it on another."""
        if self._connection:
            try:
                with self._translated():
                    return call(self._connection)
            except QueueUnavailable as error:
                if not isinstance(error.__cause__, ConnectionError):
                    raise
        with self._connected() as connection:
            return call(connection)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Yield the connection. Open it first if it is closed."""
        with self._translated():
            if self._connection is None:
                self._connection = Connection(self._connect(), self._tube_bytes)
            yield self._connection

    @contextmanager
    def _holding(self) -> Iterator[Connection]:
        """Yield the connection that reserved the jobs, never a different one.

        Job ids restart when beanstalkd loses its log, so on another connection they could mean other jobs.
        """
        if self._connection is None:
            raise QueueUnavailable("the connection that had reserved the jobs is closed")
        with self._connected() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors into QueueUnavailable. Close the connection on any, since later answers can't be trusted."""
        try:
            yield
        except (OSError, greenstalk.Error, AssertionError, LookupError, ValueError) as error:
            self.close()
            raise QueueUnavailable(f"beanstalkd at {self._url.geturl()}: {_reason(error)}") from error
        except UnreadableJobError as error:
            self.close()  # the job goes back to its tube; only then can it be deleted
            with self._connected() as connection, suppress(greenstalk.NotFoundError):
                connection.delete(error.number)
            raise QueueUnavailable(f"beanstalkd at {self._url.geturl()}: {error}") from error
        except BaseException:  # an interrupted call may leave an answer that the next one would read
            self.close()
            raise

    def _connect(self) -> socket.socket:
        if self._url.path:
            return unix_socket.connect(self._url.path, ANSWER_SECONDS)
        sock = socket.create_connection((self._url.hostname, self._url.port), ANSWER_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


def _reason(error: Exception) -> str:
    if isinstance(error, AssertionError | LookupError | ValueError):
        return "truncated or unknown answer"
    if isinstance(error, greenstalk.UnknownResponseError):
        return f"unknown answer {error.status!r}"
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_SECONDS:.0f} s"
    return _MEANINGS.get(type(error)) or str(error) or type(error).__name__


_MEANINGS: Final[dict[type[Exception], str]] = {
    greenstalk.OutOfMemoryError: faults.OUT_OF_SPACE,
    greenstalk.DrainingError: "draining, accepts no new jobs",
    greenstalk.BuriedError: "out of memory, and buried the job",
    greenstalk.JobTooBigError: "the job is larger than the limit (-z)",
    greenstalk.InternalError: "internal error",
}
