"""A greenstalk client that can also send many commands in one round trip.

The protocol lets a client send many commands and read the answers in order; greenstalk itself waits for each.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import greenstalk

from tradewire.limits import TTR_SECONDS
from tradewire.queue import Job

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator, Sequence

_T = TypeVar("_T")

ANSWER_SECONDS: Final = 5.0
_READ_BYTES: Final = 2**18
"""Answers are read as they lie there: many at once, where many commands were sent."""
_UNREAD_ANSWERS: Final = 64
_UNREAD_BYTES: Final = 2**17
"""What may be under way at a time: so many commands, or more where they are small together. beanstalkd stops reading
when some 70 of its answers lie unread in a socket's buffer; what it has not read must then fit into the other one, or
both sides would wait for each other."""
_PROBE_TUBE: Final = "probe"
_RESERVE_NOW: Final = b"reserve-with-timeout 0\r\n"
_NONE: Final = (b"TIMED_OUT\r\n", b"DEADLINE_SOON\r\n")
"""Answers to a reserve that brings no job."""


class Connection(greenstalk.Client[bytes]):
    """A greenstalk client that can also send many commands in one round trip."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, encoding=None)
        self._reader = sock.makefile("rb", _READ_BYTES)  # type: ignore[assignment] # a BufferedReader, of that size
        self.used = greenstalk.DEFAULT_TUBE
        self.watched = greenstalk.DEFAULT_TUBE
        self._held: dict[int, Job] = {}

    def watch_only(self, tube: str) -> None:
        """Watch this tube and no other."""
        if self.watched != tube:
            self.watch(tube)
            self.ignore(self.watched)
            self.watched = tube

    def put_all(self, puts: Sequence[tuple[str, bytes]]) -> None:
        """Put each body into its tube, in order for each tube. Raises what greenstalk raises for the first one refused.

        The tube that is in use comes first: a `use` costs beanstalkd as much as a put.
        """
        asked: list[tuple[bytes, bytes]] = []
        for tube, body in sorted(puts, key=lambda put: (put[0] != self.used, put[0])):
            if self.used != tube:
                asked.append((b"use %b\r\n" % tube.encode(), b"USING"))
                self.used = tube
            priority, delay = greenstalk.DEFAULT_PRIORITY, 0
            head = b"put %d %d %d %d" % (priority, delay, TTR_SECONDS, len(body))
            asked.append((b"%b\r\n%b\r\n" % (head, body), b"INSERTED"))
        for some in _windows(asked):
            self._sock.sendall(b"".join([command for command, _ in some]))
            for _, expected in some:
                self._answer(expected)

    def probe(self) -> None:
        """Put a job into a tube that nobody watches, and delete it: a record in the log, if there is one."""
        if self.used != _PROBE_TUBE:
            self.use(_PROBE_TUBE)
            self.used = _PROBE_TUBE
        self.delete(self.put(b""))

    def reserve_some(self, count: int, timeout_seconds: int = 0) -> list[Job]:
        """Reserve up to `count` jobs: wait so long for the first one, and take of the others what is there then.

        All are asked for at once: one that comes alone is in hand without another round trip.
        """
        self._sock.settimeout(timeout_seconds + ANSWER_SECONDS)
        self._sock.sendall(b"reserve-with-timeout %d\r\n" % timeout_seconds + _RESERVE_NOW * (count - 1))
        jobs = self._reserved(count)
        self._sock.settimeout(ANSWER_SECONDS)
        return jobs

    def age_of_next(self, tube: str) -> int:
        """Give the age, in seconds, of the job that would be reserved next; 0 where there is none."""
        if self.used != tube:
            self.use(tube)
            self.used = tube
        with suppress(greenstalk.NotFoundError):  # also where it was taken in between
            return self.stats_job(self.peek_ready().id)["age"]
        return 0

    def take(self, job_id: int) -> Job:
        """Reserve one job by its id. Raises greenstalk.NotFoundError."""
        return self._hold(job_id, self.reserve_job(job_id).body)

    def settle(self, command: bytes, expected: bytes, jobs: Sequence[Job]) -> None:
        """Send a command for each job that is in hand on this connection; the others are not ours to settle.

        beanstalkd lets anyone delete a job that is ready, so one that went back in between must not be named.
        """
        done = expected + b"\r\n"
        for some in _windows([(command % job.id, job) for job in jobs if self._held.get(job.id) is job]):
            self._sock.sendall(b"".join([asked for asked, _ in some]))
            for _, job in some:
                del self._held[job.id]
                answer = self._reader.readline()
                if answer != done:
                    with suppress(greenstalk.NotFoundError):  # its time was up, and it is someone else's
                        greenstalk._parse_response(answer, expected)  # noqa: SLF001 - raises what it means

    def _reserved(self, count: int) -> list[Job]:
        jobs = []
        for _ in range(count):
            answer = self._reader.readline()
            if answer.startswith(_NONE):
                continue
            job_id, size = greenstalk._parse_response(answer, b"RESERVED")  # noqa: SLF001 - raises what it means
            jobs.append(self._hold(int(job_id), self._read_chunk(int(size))))
        return jobs

    def _hold(self, job_id: int, body: bytes) -> Job:
        job = self._held[job_id] = Job(job_id, body)
        return job

    def _answer(self, expected: bytes) -> list[bytes]:
        values: list[bytes] = greenstalk._parse_response(self._reader.readline(), expected)  # noqa: SLF001
        return values


def _windows(asked: Iterable[tuple[bytes, _T]]) -> Iterator[list[tuple[bytes, _T]]]:
    """Cut commands, and what goes with each, into what may be under way at a time."""
    some: list[tuple[bytes, _T]] = []
    size = 0
    for one in asked:
        if len(some) >= _UNREAD_ANSWERS and size + len(one[0]) > _UNREAD_BYTES:
            yield some
            some, size = [], 0
        some.append(one)
        size += len(one[0])
    if some:
        yield some
