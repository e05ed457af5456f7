"""The tally: what the API has accepted, counted where neither kill -9 nor a restart can make it forget.

Each process counts in a file of its own, mapped into its memory: what it has written there is the kernel's, and
outlives it. Its successor goes on counting in the same file. beanstalkd's counters begin again with each of its
lives, so the ledger is held against these.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import struct
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIELDS: Final = struct.Struct("=QQQQ")
"""Messages begun, messages accepted, since when the oldest in hand is (microseconds since 1970, or 0), and jobs."""
_PROCESSES_MAX: Final = 256


class Totals(NamedTuple):
    """The sums over all processes, and over all their lives."""

    begun: int
    """Messages whose put was begun."""
    accepted: int
    """Messages whose put was confirmed, before their poster was told."""
    jobs: int
    """The jobs that the accepted ones are in: a batch is one."""
    in_hand_since: int | None
    """When the oldest message that a living process is about to put was received, microseconds since 1970."""


class Tally:
    """This process's count; used by one thread. Raises Unavailable where it can't be kept."""

    def __init__(self, folder: Path) -> None:
        with _translated(folder):
            self._file = _claim(folder)
        self._map = mmap.mmap(self._file, _FIELDS.size)
        self._begun, self._accepted, _, self._jobs = _FIELDS.unpack_from(self._map)
        self._in_hand: dict[int, int] = {}
        self._next = 0
        self._write()

    def begin(self, messages: int, received_at: int) -> int:
        """Count messages that are about to be put; give what `end` is to be told."""
        self._next += 1
        self._in_hand[self._next] = received_at
        self._begun += messages
        self._write()
        return self._next

    def end(self, begun: int, accepted: int) -> None:
        """Count what became of them: how many were confirmed by the queue, all of them as one job."""
        del self._in_hand[begun]
        self._accepted += accepted
        self._jobs += accepted > 0
        self._write()

    def close(self) -> None:
        """Let the next process have the file."""
        self._map.close()
        os.close(self._file)

    def _write(self) -> None:
        oldest = min(self._in_hand.values(), default=0)  # one that was received later may have begun first
        _FIELDS.pack_into(self._map, 0, self._begun, self._accepted, oldest, self._jobs)


def read(folder: Path) -> Totals:
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


def _claim(folder: Path) -> int:
    """Open the first file that no living process counts in."""
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
        return file
    raise OSError(f"{_PROCESSES_MAX} processes count in {folder} already")


def _is_claimed(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
