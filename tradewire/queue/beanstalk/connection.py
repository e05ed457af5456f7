"""A greenstalk client that can also send many commands in one round trip.

The protocol lets a client send many commands and then read the answers in order. greenstalk itself waits for the
answer to each command.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import greenstalk

from tradewire.limits import TTR_SECONDS
from tradewire.queue import Job
from tradewire.queue.beanstalk import facts

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator, Sequence

    from tradewire.queue.tube_bytes import TubeBytes

_T = TypeVar("_T")

ANSWER_SECONDS: Final = 5.0
_READ_BYTES: Final = 2**18
"""Buffer for reading. After many commands were sent, one system call reads many answers."""
_WINDOW_COMMANDS: Final = 64
_WINDOW_BYTES: Final = 2**17
"""How much to send before reading the answers: at least 64 commands, and more as long as they fit into these bytes.

beanstalkd stops reading commands while about 70 of its answers are unread in the socket's buffer. The commands that it
has not read must then fit into the buffer of the other direction, or both sides would wait for each other."""
_PROBE_TUBE: Final = "probe"
_RESERVE_NOW: Final = b"reserve-with-timeout 0\r\n"
_DELETE: Final = b"delete %b\r\n"
_RELEASE: Final = b"release %%b %d 0\r\n" % greenstalk.DEFAULT_PRIORITY
"""A release without a delay writes nothing to the log; one with a delay does, every time (beanstalkd issue 622)."""
_NONE: Final = (b"TIMED_OUT\r\n", b"DEADLINE_SOON\r\n")
"""Answers to a reserve that returned no job."""


_BODY_BYTES_MAX: Final = 2**31
"""No job is as large. beanstalkd answers with more if its log names a size smaller than that of a line end."""


class UnreadableJobError(Exception):
    """beanstalkd has a job whose body can't be read. The job can only be deleted, by its number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the record of job {number} in its log is damaged; the job was deleted")
        self.number = number


class Connection(greenstalk.Client[bytes]):
    """A greenstalk client that can also send many commands in one round trip.

    Args:
        sock: A connected socket.
        tube_bytes: Gets the size of each job that is put or deleted.
    """

    def __init__(self, sock: socket.socket, tube_bytes: TubeBytes) -> None:
        super().__init__(sock, encoding=None)
        self._reader = sock.makefile("rb", _READ_BYTES)  # type: ignore[assignment] # a BufferedReader of that size
        self.used = greenstalk.DEFAULT_TUBE
        self.watched = greenstalk.DEFAULT_TUBE
        self._held: dict[str, Job] = {}
        self._tube_bytes = tube_bytes

    def watch_only(self, tube: str) -> None:
        """Watch this tube only."""
        self._tube_bytes.claim(tube)
        if self.watched != tube:
            self.watch(tube)
            self.ignore(self.watched)
            self.watched = tube

    def put_all(self, puts: Sequence[tuple[str, bytes]]) -> None:
        """Put each body into its tube. Each tube gets its bodies in order.

        The tube that is in use comes first, since a `use` costs beanstalkd as much as a put.

        Args:
            puts: Pairs of a tube's name and a body.

        Raises:
            greenstalk.Error: A put was refused; the error is that of the first one.
        """
        self._send(self._put_commands(puts))
        self._count(puts)

    def put_all_and_stats(self, puts: Sequence[tuple[str, bytes]]) -> greenstalk.Stats:
        """Put each body into its tube, as `put_all` does. Return statistics about the log, in the same round trip."""
        (size,) = self._send([*self._put_commands(puts), (b"stats\r\n", b"OK")])
        self._count(puts)
        return facts.of_log(self._read_chunk(int(size)))

    def stats(self) -> greenstalk.Stats:
        """Return statistics about the log. The others are left out."""
        (size,) = self._send_cmd(b"stats", b"OK")
        return facts.of_log(self._read_chunk(int(size)))

    def stats_job(self, job: greenstalk.JobOrID[bytes]) -> greenstalk.StatsJob:
        """Return a job's tube and age. The other statistics are left out."""
        (size,) = self._send_cmd(b"stats-job %d" % (job if isinstance(job, int) else job.id), b"OK")
        return facts.of_job(self._read_chunk(int(size)))

    def look(self, tube: str, dead_tube: str) -> tuple[facts.TubeFacts, facts.TubeFacts, int]:
        """Look at a tube and at its dead letters.

        Returns:
            The facts of both tubes, and the age in seconds of the job that would be reserved next; 0 if none is ready.
        """
        stats = (b"stats-tube %b\r\n" % name.encode() for name in (tube, dead_tube))
        self._sock.sendall(b"%buse %b\r\npeek-ready\r\n" % (b"".join(stats), tube.encode()))
        alive, dead = self._read_tube_facts(), self._read_tube_facts()
        greenstalk._parse_response(self._reader.readline(), b"USING")  # noqa: SLF001 - raises the error
        self.used = tube
        age_seconds = 0
        with suppress(greenstalk.NotFoundError):  # none is ready, or a consumer deletes it between the two commands
            number, size = map(int, greenstalk._parse_response(self._reader.readline(), b"FOUND"))  # noqa: SLF001
            self._read_body(number, size)
            age_seconds = self.stats_job(number)["age"]
        return alive, dead, age_seconds

    def _read_tube_facts(self) -> facts.TubeFacts:
        """Read the answer to `stats-tube`. A tube exists only while it is watched or holds a job."""
        try:
            (size,) = greenstalk._parse_response(self._reader.readline(), b"OK")  # noqa: SLF001 - raises the error
        except greenstalk.NotFoundError:
            return facts.TubeFacts()
        return facts.of_tube(self._read_chunk(int(size)))

    def _put_commands(self, puts: Sequence[tuple[str, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return the commands for puts, each with the answer that means success."""
        for tube in {tube for tube, _ in puts}:
            self._tube_bytes.claim(tube)
        commands: list[tuple[bytes, bytes]] = []
        for tube, body in sorted(puts, key=lambda put: (put[0] != self.used, put[0])):
            if self.used != tube:
                commands.append((b"use %b\r\n" % tube.encode(), b"USING"))
                self.used = tube
            priority, delay = greenstalk.DEFAULT_PRIORITY, 0
            head = b"put %d %d %d %d" % (priority, delay, TTR_SECONDS, len(body))
            commands.append((b"%b\r\n%b\r\n" % (head, body), b"INSERTED"))
        return commands

    def _send(self, commands: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
        """Send commands, each with the answer that means success. Return what the last answer says besides."""
        values: list[bytes] = []
        for window in _windows(commands):
            self._sock.sendall(b"".join([command for command, _ in window]))
            for _, expected in window:
                values = greenstalk._parse_response(self._reader.readline(), expected)  # noqa: SLF001 - raises the error
        return values

    def _count(self, puts: Iterable[tuple[str, bytes]]) -> None:
        for tube, body in puts:
            self._tube_bytes.add(tube, len(body))

    def probe(self, size: int = 0) -> int:
        """Put a job into a tube that has no consumer and delete it, so that a working log gets a record.

        Args:
            size: Of its body, in bytes.

        Returns:
            The job's number. Later jobs have higher ones.
        """
        self._use_only(_PROBE_TUBE)
        number = self.put(bytes(size))
        self.delete(number)
        return number

    def reserve_many(self, count: int, timeout_seconds: int = 0) -> list[Job]:
        """Reserve up to `count` jobs of the watched tube, in one round trip.

        Wait up to the timeout for the first job. Of further jobs, reserve only those that are ready at that time.
        """
        self._sock.settimeout(timeout_seconds + ANSWER_SECONDS)
        self._sock.sendall(b"reserve-with-timeout %d\r\n" % timeout_seconds + _RESERVE_NOW * (count - 1))
        jobs = self._read_reserved(count)
        self._sock.settimeout(ANSWER_SECONDS)
        return jobs

    def reserve_oldest(self, tube: str, count: int, bytes_max: int) -> list[Job]:
        """Reserve up to `count` jobs one by one, without watching their tube. Stop after `bytes_max` bytes."""
        self._tube_bytes.claim(tube)
        self._use_only(tube)
        jobs: list[Job] = []
        size = 0
        with suppress(greenstalk.NotFoundError):  # no job is ready, or a consumer was faster
            while len(jobs) < count and size < bytes_max:
                jobs.append(self.reserve_by_number(self.peek_ready().id, tube))
                size += len(jobs[-1].body)
        return jobs

    def reserve_by_number(self, number: int, tube: str) -> Job:
        """Reserve the job that beanstalkd gave this number. Raise greenstalk.NotFoundError if there is no such job.

        Args:
            number: The job's number.
            tube: The tube that it is in.
        """
        self._tube_bytes.claim(tube)
        return self._hold(str(number), tube, self.reserve_job(number).body)

    def delete_all(self, jobs: Sequence[Job]) -> None:
        """Delete the jobs that this connection holds."""
        for job in self._settle(_DELETE, b"DELETED", jobs):
            self._tube_bytes.add(job.tube, -len(job.body))

    def release_all(self, jobs: Sequence[Job]) -> None:
        """Return the jobs that this connection holds to their tubes."""
        self._settle(_RELEASE, b"RELEASED", jobs)

    def _settle(self, command: bytes, expected: bytes, jobs: Sequence[Job]) -> list[Job]:
        """Send a command for each job that this connection holds, and skip the others. Return the settled jobs.

        beanstalkd lets any connection delete a job that is ready. So a job that has gone back to its tube must not
        be deleted here.

        Args:
            command: The command's line, with `%b` for the job's id.
            expected: The answer that means success.
            jobs: The jobs.
        """
        success = expected + b"\r\n"
        settled = []
        for window in _windows([(command % job.id.encode(), job) for job in jobs if self._held.get(job.id) is job]):
            self._sock.sendall(b"".join([line for line, _ in window]))
            for _, job in window:
                del self._held[job.id]
                answer = self._reader.readline()
                if answer == success:
                    settled.append(job)
                else:
                    with suppress(greenstalk.NotFoundError):  # its TTR ran out, and it went back to its tube
                        greenstalk._parse_response(answer, expected)  # noqa: SLF001 - raises the matching error
        return settled

    def _job_cmd(self, cmd: bytes, expected: bytes) -> greenstalk.Job[bytes]:
        number, size = (int(value) for value in self._send_cmd(cmd, expected))
        return greenstalk.Job(number, self._read_body(number, size))

    def _read_body(self, number: int, size: int) -> bytes:
        """Read a job's body.

        If a power cut has torn the record in beanstalkd's log, the end of the body is zeros, and so is the line end
        behind it. The job's consumer finds the faulty event, and makes a dead letter of it.
        """
        if size >= _BODY_BYTES_MAX:
            raise UnreadableJobError(number)
        body = self._reader.read(size + 2)
        if len(body) != size + 2:
            raise ConnectionError("the connection was closed within a job's body")
        return body[:-2]

    def _use_only(self, tube: str) -> None:
        if self.used != tube:
            self.use(tube)
            self.used = tube

    def _read_reserved(self, count: int) -> list[Job]:
        jobs = []
        for _ in range(count):
            answer = self._reader.readline()
            if answer.startswith(_NONE):
                continue
            number, size = greenstalk._parse_response(answer, b"RESERVED")  # noqa: SLF001 - raises the matching error
            body = self._read_body(int(number), int(size))
            jobs.append(self._hold(number.decode(), self.watched, body))
        return jobs

    def _hold(self, job_id: str, tube: str, body: bytes) -> Job:
        job = self._held[job_id] = Job(job_id, tube, body)
        return job


def _windows(commands: Iterable[tuple[bytes, _T]]) -> Iterator[list[tuple[bytes, _T]]]:
    """Split commands, each with its companion value, into lists that may be sent before their answers are read."""
    window: list[tuple[bytes, _T]] = []
    size = 0
    for entry in commands:
        if len(window) >= _WINDOW_COMMANDS and size + len(entry[0]) > _WINDOW_BYTES:
            yield window
            window, size = [], 0
        window.append(entry)
        size += len(entry[0])
    if window:
        yield window
