"""Counts and times of receipt of one ingest process, in files that survive kill -9 and restarts.

Each ingest process has a file of its own (see `tradewire.claimed_file`). The sums over all files are what the stack has
accepted. The queue's own counters would not do: they may restart from zero with its server.

Every request gets a time of receipt that no other request ever has. With room for N processes, the process of file
number n uses only the microseconds that are n modulo N, and the file remembers the last one. After the clock was set
back, a process takes a file whose last time is in the past.

Example:
    counter = Counter(settings.counters)
    received_at = counter.next_time()
    counter.count_begun(1)
    queue.put(body, settings.tubes)
    counter.count_accepted(1)
"""

from __future__ import annotations

import secrets
import struct
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.claimed_file import ClaimedFile
from tradewire.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FILE: Final = struct.Struct("=QQQQ")
"""Messages begun, messages accepted, the last time of receipt (in steps, see `_STEP`), and the last slot's number. Each
is written by a single aligned store, so a process that is killed leaves the old or the new value."""
_BEGUN, _ACCEPTED, _LAST_STEP, _LAST_SLOT = range(4)
PREFIX: Final = "accepted-"
"""The files are named this + their number."""
_PROCESSES_MAX: Final = 128
_STEP: Final = _PROCESSES_MAX
"""Microseconds between two times of receipt of the same process, at least."""
_AHEAD_MAX: Final = 1000
"""Steps that times of receipt may run ahead of the clock when requests arrive faster than that. A greater difference
means that the clock was set back."""


class Totals(NamedTuple):
    """The sums over all processes that ever counted."""

    begun: int
    """Messages whose put was started."""
    accepted: int
    """Messages whose put the queue confirmed. They are counted before the producer gets the response."""


class Counter:
    """The counter of this process. Use it from one thread only.

    Args:
        folder: The folder of the counters' files. It is created if it is missing.

    Raises:
        Unavailable: From the constructor and `next_time`: no file can be opened, or the disk has no room for it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open(_now())

    @property
    def number(self) -> int:
        """The number of this process's file. It changes when the clock is set back."""
        return self._file.number

    def next_time(self) -> int:
        """Return a time of receipt in microseconds since 1970. No other request of the stack ever has the same."""
        step, last = _now(), self._values[_LAST_STEP]
        if step <= last:
            if last >= step + _AHEAD_MAX and self.number < _PROCESSES_MAX - 1:
                values, file = self._values, self._file
                self._open(step)
                values.release()
                file.close()
                last = self._values[_LAST_STEP]
            step = max(step, last + 1)
        self._values[_LAST_STEP] = step
        return step * _STEP + self._file.number

    def next_slot(self) -> int:
        """Return the number of a new slot: one more than that of the last slot of this process's file."""
        self._values[_LAST_SLOT] += 1
        return self._values[_LAST_SLOT]

    def count_begun(self, messages: int) -> None:
        """Count messages that are about to be put into the queue."""
        self._values[_BEGUN] += messages

    def count_accepted(self, messages: int) -> None:
        """Count messages that the queue has confirmed."""
        self._values[_ACCEPTED] += messages

    def close(self) -> None:
        """Close the file, so that another process can claim it."""
        self._values.release()
        self._file.close()

    def _open(self, step: int) -> None:
        """Claim the first file whose last time is not ahead of the clock. Else keep the file claimed last."""
        ahead: list[ClaimedFile] = []
        try:
            with translate_errors(self._folder):
                while True:
                    file = ClaimedFile(self._folder, PREFIX, _FILE.size, _PROCESSES_MAX)
                    values = memoryview(file.map).cast("Q")
                    if values[_LAST_STEP] < step + _AHEAD_MAX or file.number == _PROCESSES_MAX - 1:
                        break
                    values.release()
                    ahead.append(file)
            self._file, self._values = file, values
        finally:
            for file in ahead:
                file.close()


def _now() -> int:
    """Return the clock's time in steps."""
    return time.time_ns() // (1000 * _STEP)


def clock_microseconds() -> int:
    """Return the clock's time in microseconds since 1970. No time of receipt from now on is earlier.

    That does not hold if the clock is set back.
    """
    return _now() * _STEP


def read_totals(folder: Path) -> Totals:
    """Add up the counts of all processes.

    Args:
        folder: The folder of the counters' files. If it is missing, the totals are zero.

    Raises:
        Unavailable: A file can't be read.
    """
    return sum_up(read_files(folder))


def sum_up(files: Mapping[str, bytes]) -> Totals:
    """Add up the counts in files.

    Args:
        files: What `read_files` returns.
    """
    values = [_FILE.unpack(content) for content in files.values()]
    return Totals(sum(value[_BEGUN] for value in values), sum(value[_ACCEPTED] for value in values))


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of the files of all processes, by name.

    Args:
        folder: The folder of the counters' files.

    Raises:
        Unavailable: A file can't be read.
    """
    with translate_errors(folder):
        files = {path.name: path.read_bytes() for path in folder.glob(f"{PREFIX}*")}
    return {name: content for name, content in files.items() if len(content) == _FILE.size}  # else it is being created


def continued(counted: Mapping[str, bytes], later: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files with the counts of one moment, and the last times and slots of a later one.

    Processes that continue such files use no time and no slot that was in use at the later moment.

    Args:
        counted: The files of the first moment.
        later: Those of the later one.
    """
    none = bytes(_FILE.size)
    files = {}
    for name, content in later.items():
        begun, accepted, *_ = _FILE.unpack(counted.get(name, none))
        files[name] = _FILE.pack(max(begun, accepted), accepted, *_FILE.unpack(content)[_LAST_STEP:])
    return files


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
        raise Unavailable(f"the ledger of accepted messages can't be kept in {folder}: {error}") from error
