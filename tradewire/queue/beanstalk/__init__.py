"""The queue on beanstalkd, by greenstalk.

Facts about beanstalkd are from its protocol.txt, 1.12.
"""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import greenstalk

from tradewire.errors import QueueUnavailable
from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import ARCHIVE, DEAD_SUFFIX, DeadLetter, Job, Queue, Rejected, TubeCounts, dead_letter
from tradewire.queue.beanstalk.connection import ANSWER_SECONDS, Connection
from tradewire.queue.beanstalk.log import LogWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_T = TypeVar("_T")

_TRUST_SECONDS: Final = 1.0
"""How long a check holds; what is put in between could be lost, should the log fail just then."""
_FIRST_CHUNK: Final = 4
_LARGEST_CHUNK: Final = 64
"""Bounds what one round trip may bring: that many jobs of MAX_JOB_BYTES at the worst."""


class BeanstalkQueue(Queue):
    """One connection to beanstalkd; `url` as in TRADEWIRE_QUEUE_URL, `max_bytes` of its log."""

    def __init__(self, url: str, max_bytes: int) -> None:
        self._url = urlsplit(url)
        self._connection: Connection | None = None
        self._watch = LogWatch(max_bytes)
        self._trusted_until = 0.0
        self._suspicious = True
        """The next check must see that a record is written: it is the first one, or a put was refused."""

    def put_all(self, bodies: Sequence[bytes], tubes: Sequence[str]) -> None:
        if time.monotonic() >= self._trusted_until:
            self.check()
        puts = [(tube, body) for tube in tubes for body in bodies]
        try:
            # Done again after a restart of beanstalkd, it can only double the event: its id stays the same,
            # so it is still shown and archived once.
            self._retried(lambda connection: connection.put_all(puts))
        except QueueUnavailable as error:
            # A put is refused where its record can't be written, and the next one may be taken without.
            self._suspicious = isinstance(error.__cause__, greenstalk.Error)
            self._trusted_until = 0.0
            raise

    def put_receipt(self, receipt: bytes) -> None:
        with self._connected() as connection:
            connection.put_all([(ARCHIVE, receipt)])

    def reserve(self, tube: str, limit: int, timeout_seconds: int, bytes_max: int = MAX_JOB_BYTES) -> list[Job]:
        with self._connected() as connection:
            connection.watch_only(tube)
            asked = min(_FIRST_CHUNK, limit)
            jobs = more = connection.reserve_some(asked, timeout_seconds)
            size = sum(len(job.body) for job in more)
            while len(more) == asked and len(jobs) < limit and size < bytes_max:
                asked = min(2 * asked, _LARGEST_CHUNK, limit - len(jobs))
                more = connection.reserve_some(asked)
                size += sum(len(job.body) for job in more)
                jobs = jobs + more
            return jobs

    def delete(self, jobs: Sequence[Job]) -> None:
        with self._holding() as connection:
            connection.settle(b"delete %d\r\n", b"DELETED", jobs)

    def release(self, jobs: Sequence[Job]) -> None:
        # A release without delay writes nothing to the log; one with a delay does, each time (issue 622).
        command = b"release %%d %d 0\r\n" % greenstalk.DEFAULT_PRIORITY
        with self._holding() as connection:
            connection.settle(command, b"RELEASED", jobs)

    def dead_letter(self, tube: str, job: Job, rejected: Sequence[Rejected]) -> None:
        # beanstalkd's own bury takes whole jobs, keeps no reason, and shows only the oldest.
        with self._holding() as connection:
            connection.put_all([(tube + DEAD_SUFFIX, dead_letter.encode(tube, one)) for one in rejected])
            connection.settle(b"delete %d\r\n", b"DELETED", [job])

    def dead_letters(self, tube: str, limit: int) -> list[DeadLetter]:
        jobs: list[Job] = []
        with self._connected() as connection:
            connection.watch_only(tube + DEAD_SUFFIX)
            while len(jobs) < limit:
                more = connection.reserve_some(min(_LARGEST_CHUNK, limit - len(jobs)))
                if not more:
                    break
                jobs += more
        if jobs:
            self.release(jobs)
        return [dead_letter.decode(tube, job.id, job.body) for job in jobs]

    def requeue(self, tube: str, dead_letter_id: int) -> bool:
        job = self._take_dead_letter(tube, dead_letter_id)
        if job is None:
            return False
        with self._holding() as connection:
            connection.put_all([(tube, dead_letter.decode(tube, job.id, job.body).event)])
            connection.settle(b"delete %d\r\n", b"DELETED", [job])
        return True

    def discard(self, tube: str, dead_letter_id: int) -> bool:
        job = self._take_dead_letter(tube, dead_letter_id)
        if job is None:
            return False
        self.delete([job])
        return True

    def counts(self, tube: str) -> TubeCounts:
        with self._connected() as connection:
            stats = _tube_stats(connection, tube)
            grave = _tube_stats(connection, tube + DEAD_SUFFIX)
            oldest_job_age_seconds = connection.age_of_next(tube) if stats and stats["current-jobs-ready"] else 0
        return TubeCounts(
            ready=stats["current-jobs-ready"] if stats else 0,
            reserved=stats["current-jobs-reserved"] if stats else 0,
            dead_letters=grave["current-jobs-ready"] + grave["current-jobs-reserved"] if grave else 0,
            consumers=stats["current-watching"] if stats else 0,
            oldest_job_age_seconds=oldest_job_age_seconds,
        )

    def fill(self) -> float:
        return self._retried(lambda connection: self._watch.fill(connection.stats()))

    def check(self) -> None:
        self._trusted_until = 0.0
        if fault := self._retried(self._fault):
            self.close()
            raise QueueUnavailable(fault)
        self._suspicious = False
        self._trusted_until = time.monotonic() + _TRUST_SECONDS

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()

    def _fault(self, connection: Connection) -> str | None:
        fault = self._watch.fault(connection.stats())
        if fault or not (self._suspicious or self._watch.doubtful):
            return fault
        connection.probe()
        return self._watch.fault(connection.stats())

    def _take_dead_letter(self, tube: str, dead_letter_id: int) -> Job | None:
        with self._connected() as connection:
            try:
                stats = connection.stats_job(dead_letter_id)
                if stats["tube"] != tube + DEAD_SUFFIX:
                    return None
                return connection.take(dead_letter_id)
            except greenstalk.NotFoundError:
                return None

    def _retried(self, call: Callable[[Connection], _T]) -> _T:
        """Make a call that may be made twice; once more where the connection proves to be dead."""
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
        """Give the connection, made anew where there is none."""
        with self._translated():
            if self._connection is None:
                self._connection = Connection(self._connect())
            yield self._connection

    @contextmanager
    def _holding(self) -> Iterator[Connection]:
        """Give the connection that reserved the jobs in hand, never another: ids begin again with a log."""
        if self._connection is None:
            raise QueueUnavailable("the connection that held the jobs is gone, and they with it")
        with self._connected() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Close on any error, for what is on its way can't be trusted any more, and raise it as ours."""
        try:
            yield
        except (OSError, greenstalk.Error, AssertionError, LookupError, ValueError) as error:
            self.close()
            raise QueueUnavailable(f"beanstalkd at {self._url.geturl()}: {_said(error)}") from error
        except BaseException:  # whatever broke in, an answer may be on its way that nobody will read
            self.close()
            raise

    def _connect(self) -> socket.socket:
        if self._url.path:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(ANSWER_SECONDS)
            try:
                sock.connect(self._url.path)
            except OSError:
                sock.close()
                raise
        else:
            sock = socket.create_connection((self._url.hostname, self._url.port), ANSWER_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


def _tube_stats(connection: Connection, tube: str) -> greenstalk.StatsTube | None:
    try:
        return connection.stats_tube(tube)
    except greenstalk.NotFoundError:
        return None  # a tube exists only while it is watched or holds a job


def _said(error: Exception) -> str:
    if isinstance(error, AssertionError | LookupError | ValueError):
        return "a truncated or unknown answer"
    if isinstance(error, greenstalk.UnknownResponseError):
        return f"an unknown answer, {error.status!r}"
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_SECONDS:.0f} s"
    return _MEANINGS.get(type(error)) or str(error) or type(error).__name__


_MEANINGS: Final[dict[type[Exception], str]] = {
    greenstalk.OutOfMemoryError: "out of memory, or of disk for its log",
    greenstalk.DrainingError: "draining, takes no new jobs",
    greenstalk.BuriedError: "out of memory, and buried the job",
    greenstalk.JobTooBigError: "the job is larger than its limit (-z)",
    greenstalk.InternalError: "an internal error",
}
