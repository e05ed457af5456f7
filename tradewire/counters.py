"""The counter: what the API has accepted, counted where neither kill -9 nor a restart can make it forget.

Each process counts in a file of its own, mapped into its memory: what it has written there is the kernel's, and
outlives it. Its successor goes on counting in the same file. beanstalkd's counters begin again with each of its
lives, so the ledger is held against these.

The ledger tells a retry from a message that was delivered twice by the moment at which it was received, so no two
requests share theirs: the microseconds of each, in steps of as many as there may be processes, are those of its file's
number.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import struct
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIELDS: Final = struct.Struct("=QQQQ")
"""Messages begun, messages accepted, since when the oldest in hand is (microseconds since 1970, or 0), and jobs."""
_PROCESSES_MAX: Final = 128
_AHEAD_MAX: Final = 1000
"""Steps that moments may run ahead of the clock, where requests come faster; one that is set back is followed."""


class Totals(NamedTuple):
    """The sums over all processes, and over all their lives."""

    begun: int
    """Messages whose put was begun."""
    accepted: int
    """Messages whose put was confirmed, before their poster was told."""
    jobs: int
    """The jobs that the accepted ones are in: a batch is one."""
    in_flight_since: int | None
    """When the oldest request that a living process has in hand was received, microseconds since 1970."""


class CrashSafeCounter:
    """This process's count; used by one thread. Raises Unavailable where it can't be kept."""

    def __init__(self, folder: Path) -> None:
        with _translated(folder):
            self._file, self._number = _claim(folder)
        self._map = mmap.mmap(self._file, _FIELDS.size)
        self._begun, self._accepted, _, self._jobs = _FIELDS.unpack_from(self._map)
        self._in_flight: set[int] = set()
        self._step = 0
        self._write()

    def start_request(self) -> int:
        """Take a request in hand; give its moment, microseconds since 1970, which no other request has."""
        step = time.time_ns() // (1000 * _PROCESSES_MAX)
        if step <= self._step < step + _AHEAD_MAX:
            step = self._step + 1
        self._step = step
        received_at = step * _PROCESSES_MAX + self._number
        self._in_flight.add(received_at)
        self._write()
        return received_at

    def end_request(self, received_at: int) -> None:
        """Let a request go, whatever became of it."""
        self._in_flight.discard(received_at)
        self._write()

    def count_begun(self, messages: int) -> None:
        """Count messages that are about to be put."""
        self._begun += messages
        self._write()

    def count_accepted(self, messages: int) -> None:
        """Count messages that the queue has confirmed, all of them as one job."""
        self._accepted += messages
        self._jobs += 1
        self._write()

    def close(self) -> None:
        """Let the next process have the file."""
        self._map.close()
        os.close(self._file)

    def _write(self) -> None:
        oldest = min(self._in_flight, default=0)
        _FIELDS.pack_into(self._map, 0, self._begun, self._accepted, oldest, self._jobs)


def read_totals(folder: Path) -> Totals:
    """Add up what all processes have counted. Raises Unavailable where it can't be read."""
    with _translated(folder):
        return _add_up(folder)


def _add_up(folder: Path) -> Totals:
    begun = accepted = jobs = 0
    since: int | None = None
    for path in sorted(folder.glob("accepted-*")):
        file = os.open(path, os.O_RDONLY)
        try:
            content = os.read(file, _FIELDS.size)
            if len(content) < _FIELDS.size:
                continue  # about to be made
            its_begun, its_accepted, its_since, its_jobs = _FIELDS.unpack(content)
            begun += its_begun
            accepted += its_accepted
            jobs += its_jobs
            if its_since and _is_claimed(file):
                since = min(its_since, since or its_since)
        finally:
            os.close(file)
    return Totals(begun, accepted, jobs, since)


def stack_id(folder: Path) -> str:
    """Give this stack's name among those that share a store; it is made at the first call. Raises Unavailable."""
    with _translated(folder):
        return _name(folder)


def _name(folder: Path) -> str:
    folder.mkdir(mode=0o700, exist_ok=True)
    path, fresh = folder / "stack", folder / f"stack-{secrets.token_hex(8)}"
    try:
        return path.read_text()
    except FileNotFoundError:
        fresh.write_text(secrets.token_hex(8))
    with suppress(FileExistsError):  # someone else was quicker, and all take theirs
        path.hardlink_to(fresh)
    fresh.unlink()
    return path.read_text()


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the account of what is accepted can't be kept in {folder}: {error}") from error


def _claim(folder: Path) -> tuple[int, int]:
    """Open the first file that no living process counts in; give it with its number."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in range(_PROCESSES_MAX):
        file = os.open(folder / f"accepted-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets it go with the process
        except BlockingIOError:
            os.close(file)
            continue
        try:
            os.posix_fallocate(file, 0, _FIELDS.size)  # a full disk must not be found out by a write to the map
        except OSError:
            os.close(file)
            raise
        return file, number
    raise OSError(f"{_PROCESSES_MAX} processes count in {folder} already")


def _is_claimed(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
