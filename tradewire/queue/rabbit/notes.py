"""Notes about each tube that the connections of a stack share, since AMQP tells only how many messages are ready.

Each connection writes to files of its own (see `tradewire.claimed_file`), so the notes outlive kill -9.

Example:
    notes = Notes(settings.counters)
    notes.put("live", 2)
    notes.hold("live", 2, newest=stamp.nanoseconds(message_id))
    notes.look("live").held
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.claimed_file import ClaimedFile, is_claimed, make_folder

if TYPE_CHECKING:
    from pathlib import Path

RETURN_SECONDS: Final = 90
"""After so long, RabbitMQ has certainly given back the jobs of a connection that broke: within 30 s without a
heartbeat, or 75 s until the other nodes give up the node that it led to (net_ticktime, 60 s by default). A connection
that was cut at once is no exception: its node may be dead, and its queues may have to elect a leader."""
_FOLDER: Final = "notes"
_FILE: Final = struct.Struct("=qqqqqqq")
_JOBS, _HELD, _CONSUMES, _STRAY, _STRAY_UNTIL, _SEEN_AT, _HEAD = range(7)
_CONNECTIONS_MAX: Final = 2000


class TubeNotes(NamedTuple):
    """What all connections of a stack know about a tube."""

    jobs: int
    """Jobs that were put and not settled. A process that was killed may leave an error of a few jobs."""
    held: int
    """Jobs that connections have reserved."""
    stray: int
    """Jobs that RabbitMQ may still hold for connections that broke."""
    consumers: int
    """Connections that reserve from this tube."""
    head: int
    """No ready job was put before this time, in nanoseconds since 1970. 0 if that is unknown."""


class Notes:
    """The notes of one connection, and a look at those of all. Use it from one thread at a time.

    Every call raises OSError if a file can't be created or read.

    Args:
        folder: All connections of the stack must share it. Its parent must exist.
    """

    def __init__(self, folder: Path) -> None:
        self._parent = folder
        self._folder = folder / _FOLDER
        self._own: dict[str, tuple[ClaimedFile, memoryview]] = {}

    def claim(self, tube: str) -> None:
        """Prepare to write about a tube. Call this before commands that change it, so that nothing can fail later."""
        self._values(tube)

    def put(self, tube: str, jobs: int) -> None:
        """Note that jobs were put."""
        self._values(tube)[_JOBS] += jobs

    def consume(self, tube: str) -> None:
        """Note that this connection reserves from a tube, until it is closed."""
        self._values(tube)[_CONSUMES] = 1

    def hold(self, tube: str, jobs: int, newest: int) -> None:
        """Note that this connection has reserved jobs, the newest of which was put at a time."""
        values = self._values(tube)
        values[_HELD] += jobs
        _see(values, newest)

    def settle(self, tube: str, jobs: int) -> None:
        """Note that reserved jobs have left the tube."""
        values = self._values(tube)
        values[_HELD] -= jobs
        values[_JOBS] -= jobs

    def give_back(self, tube: str, jobs: int, oldest: int) -> None:
        """Note that reserved jobs are ready again, the oldest of which was put at a time."""
        values = self._values(tube)
        values[_HELD] -= jobs
        _see(values, oldest)

    def lose(self, tube: str, jobs: int, oldest: int) -> None:
        """Note that the connection with reserved jobs broke, so that RabbitMQ gives them back some time."""
        self.miss(tube, jobs)
        values = self._values(tube)
        values[_HELD] -= jobs
        _see(values, oldest)

    def miss(self, tube: str, jobs: int) -> None:
        """Note that a connection broke to which RabbitMQ was giving jobs. It gives them back some time."""
        values = self._values(tube)
        now = time.monotonic_ns()
        if values[_STRAY_UNTIL] < now:
            values[_STRAY] = 0
        values[_STRAY_UNTIL] = now + RETURN_SECONDS * 10**9
        values[_STRAY] += jobs

    def empty(self, tube: str) -> None:
        """Note that no job is ready."""
        _see(self._values(tube), time.time_ns())

    def correct(self, tube: str, jobs: int) -> None:
        """Correct the number of jobs in a tube, now that it is known."""
        values = self._values(tube)
        folder = os.open(self._folder / tube, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # otherwise two processes could both correct the same error
            values[_JOBS] += jobs - self.look(tube).jobs
        finally:
            os.close(folder)

    def look(self, tube: str) -> TubeNotes:
        """Return what all connections know about a tube."""
        jobs = held = stray = consumers = 0
        seen_at = head = 0
        now = time.monotonic_ns()
        for name in _names(self._folder / tube):
            file = os.open(f"{self._folder}/{tube}/{name}", os.O_RDONLY)
            try:
                content = os.read(file, _FILE.size)
                if len(content) < _FILE.size:  # a process is just creating it
                    continue
                values = _FILE.unpack(content)
                in_use = bool(values[_HELD] or values[_CONSUMES]) and is_claimed(file)
            finally:
                os.close(file)
            jobs += values[_JOBS]
            held += in_use * values[_HELD]
            consumers += in_use * values[_CONSUMES]
            if now < values[_STRAY_UNTIL] <= now + RETURN_SECONDS * 10**9:  # else the machine has started again
                stray += values[_STRAY]
            seen_at, head = max((seen_at, head), (values[_SEEN_AT], values[_HEAD]))
        return TubeNotes(jobs, held, stray, consumers, head)

    def has_rivals(self, tube: str) -> bool:
        """Return whether other connections reserve from a tube, or hold jobs of it."""
        known, own = self.look(tube), self._values(tube)
        return known.consumers > own[_CONSUMES] or known.held > own[_HELD]

    def close(self) -> None:
        """Give the files back, so that other connections continue them."""
        for file, values in self._own.values():
            values[_HELD] = values[_CONSUMES] = 0
            values.release()
            file.close()
        self._own.clear()

    def _values(self, tube: str) -> memoryview:
        if tube not in self._own:
            for folder in (self._parent, self._folder):
                make_folder(folder)
            file = ClaimedFile(self._folder / tube, "", _FILE.size, _CONNECTIONS_MAX)
            values = memoryview(file.map).cast("q")
            values[_HELD] = values[_CONSUMES] = 0  # its process before was killed, and RabbitMQ has its jobs back
            self._own[tube] = file, values
        return self._own[tube][1]


def _see(values: memoryview, head: int) -> None:
    values[_HEAD] = head
    values[_SEEN_AT] = time.time_ns()


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - pathlib takes four times as long, and this runs every second
    except FileNotFoundError:
        return []
