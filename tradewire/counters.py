"""Counters of accepted messages that survive kill -9 and restarts.

Each API process counts in its own file (see `tradewire.claimed_file`). The ledger compares these counts with the
store's. The queue's own counters would not do: they may restart from zero with its
server.

Every request gets a unique time of receipt, since the ledger uses it to tell a retry (another time) from a second
delivery of the same message (the same time). With room for N processes, the process of file number n uses only the
microseconds that are n modulo N.

Example:
    counter = CrashSafeCounter(settings.counters)
    received_at = counter.start_request()
    counter.count_begun(1)
    queue.put(body, settings.tubes)
    counter.count_accepted(1)
    counter.end_request(received_at)
"""

from __future__ import annotations

import os
import secrets
import struct
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.claimed_file import ClaimedFile, is_claimed
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap
    from pathlib import Path

_RECORD: Final = struct.Struct("=QQQQ")
"""Messages begun, messages accepted, time of receipt of the oldest request in flight (microseconds since 1970, or 0),
and accepted jobs."""
_VERSION: Final = struct.Struct("=Q")
_FILE_BYTES: Final = _VERSION.size + 2 * _RECORD.size
"""A file holds a version and two records. The record that counts is number `version % 2`. A write fills the other one
and then increases the version, in a single aligned store. A process that is killed in the middle of a write therefore
leaves the previous record in force."""
_PREFIX: Final = "accepted-"
_PROCESSES_MAX: Final = 128
_AHEAD_MAX: Final = 1000
"""Steps of `_PROCESSES_MAX` microseconds that times of receipt may run ahead of the clock when requests arrive faster
than that. A greater difference means that the clock was set back, and the times follow it."""


class Totals(NamedTuple):
    """The sums over all processes that ever counted."""

    begun: int
    """Messages whose put was started."""
    accepted: int
    """Messages whose put the queue confirmed. They are counted before the producer gets the response."""
    jobs: int
    """Jobs that hold the accepted messages: a batch is one job."""
    in_flight_since: int | None
    """Time of receipt of the oldest request that a running process is handling, in microseconds since 1970. None if
    there is no such request."""


class CrashSafeCounter:
    """The counter of this process. Use it from one thread only.

    Args:
        folder: The folder of the counters' files. It is created if it is missing.

    Raises:
        Unavailable: No file can be opened, or the disk has no room for it. Only the constructor raises this.
    """

    def __init__(self, folder: Path) -> None:
        with translate_errors(folder):
            self._file = ClaimedFile(folder, _PREFIX, _FILE_BYTES, _PROCESSES_MAX)
        self._map = self._file.map
        self._view = memoryview(self._map)
        self._versions = self._view[: _VERSION.size].cast("Q")
        self._begun, self._accepted, _, self._jobs = _current(self._map)
        self._in_flight: set[int] = set()
        self._step = 0
        self._write()

    def start_request(self) -> int:
        """Note that a request is in flight.

        Returns:
            Its time of receipt in microseconds since 1970. No other request has the same.
        """
        step = time.time_ns() // (1000 * _PROCESSES_MAX)
        if step <= self._step < step + _AHEAD_MAX:
            step = self._step + 1
        self._step = step
        received_at = step * _PROCESSES_MAX + self._file.number
        self._in_flight.add(received_at)
        self._write()
        return received_at

    def end_request(self, received_at: int) -> None:
        """Note that a request is no longer in flight, whether it was accepted or not.

        Args:
            received_at: The time that `start_request` returned for it.
        """
        self._in_flight.discard(received_at)
        self._write()

    def count_begun(self, messages: int) -> None:
        """Count messages that are about to be put into the queue."""
        self._begun += messages
        self._write()

    def count_accepted(self, messages: int) -> None:
        """Count messages that the queue has confirmed, together as one job."""
        self._accepted += messages
        self._jobs += 1
        self._write()

    def close(self) -> None:
        """Close the file, so that another process can claim it."""
        self._versions.release()
        self._view.release()
        self._file.close()

    def _write(self) -> None:
        oldest = min(self._in_flight, default=0)
        version = self._versions[0] + 1
        start = _record_start(version)
        self._map[start : start + _RECORD.size] = _RECORD.pack(self._begun, self._accepted, oldest, self._jobs)
        self._versions[0] = version


def read_totals(folder: Path) -> Totals:
    """Add up the counts of all processes.

    Args:
        folder: The folder of the counters' files. If it is missing, the totals are zero.

    Raises:
        Unavailable: A file can't be read.
    """
    with translate_errors(folder):
        return _add_up(folder)


def _add_up(folder: Path) -> Totals:
    begun = accepted = jobs = 0
    oldest: int | None = None
    for path in sorted(folder.glob(f"{_PREFIX}*")):
        file = os.open(path, os.O_RDONLY)
        try:
            if os.fstat(file).st_size < _FILE_BYTES:
                continue  # a process is just creating it
            file_begun, file_accepted, in_flight_since, file_jobs = _read(file)
            begun += file_begun
            accepted += file_accepted
            jobs += file_jobs
            if in_flight_since and is_claimed(file):
                oldest = min(in_flight_since, oldest or in_flight_since)
        finally:
            os.close(file)
    return Totals(begun, accepted, jobs, oldest)


def _read(file: int) -> tuple[int, int, int, int]:
    """Read the record in force. A writer may reuse its place meanwhile, so the version must be the same after.

    The version is read by calls of its own: within a single one, the kernel may copy the bytes in any order.
    """
    while True:
        before = os.pread(file, _VERSION.size, 0)
        (version,) = _VERSION.unpack(before)
        record = os.pread(file, _RECORD.size, _record_start(version))
        if os.pread(file, _VERSION.size, 0) == before:
            return _RECORD.unpack(record)


def _current(content: mmap) -> tuple[int, int, int, int]:
    (version,) = _VERSION.unpack_from(content)
    return _RECORD.unpack_from(content, _record_start(version))


def _record_start(version: int) -> int:
    return _VERSION.size + version % 2 * _RECORD.size


def stack_id(folder: Path) -> str:
    """Return the random id of this stack, which tells it apart from others that share its store.

    The first call creates it.

    Raises:
        Unavailable: The id can't be read or created.
    """
    with translate_errors(folder):
        return _read_or_create_id(folder)


def _read_or_create_id(folder: Path) -> str:
    folder.mkdir(mode=0o700, exist_ok=True)
    path, new = folder / "stack", folder / f"stack-{secrets.token_hex(8)}"
    try:
        return path.read_text()
    except FileNotFoundError:
        new.write_text(secrets.token_hex(8))
    with suppress(FileExistsError):  # another process was faster, and its id stands
        path.hardlink_to(new)
    new.unlink()
    return path.read_text()


@contextmanager
def translate_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the file system into Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the counters of accepted messages can't be kept in {folder}: {error}") from error
