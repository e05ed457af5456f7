"""Turns: what the programs that take jobs from a tube tell each other about the jobs that they hold.

A mark may pass only if no other program still holds a job that lies before it. Each program therefore counts its
turns, in a file of its own (see `tradewire.claimed_file`). A turn begins before it reserves jobs, and ends when all are
settled.

Example:
    turns = Turns(settings.counters, "live")
    with turns.turn(queue):
        jobs = queue.reserve("live", 10, 1)
        queue.delete(jobs)
"""

from __future__ import annotations

import os
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.claimed_file import ClaimedFile, is_claimed, make_folder
from tradewire.ledger.counters import translate_errors
from tradewire.limits import TTR_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tradewire.queue import Queue

_FOLDER: Final = "turns"
_PROGRAMS_MAX: Final = 1000
_FILE: Final = struct.Struct("=QQQQ")
"""The turn, an odd number while it lasts; when it began, in nanoseconds of the monotonic clock; how often jobs were
given back; how often events were put anew. Each is written by a single aligned store."""
_TURN, _BEGAN, _RETURNED, _AGAIN = range(4)
_LOST_NS: Final = (TTR_SECONDS + 5) * 10**9
"""After so long a turn, the queue has given the jobs back."""


class Program(NamedTuple):
    """What one program has told."""

    turn: int
    """Odd: it reserves or holds jobs."""
    returned: int
    """How often it gave jobs back. They lie in their old places."""


class Programs(NamedTuple):
    """What all programs of a tube have told."""

    programs: dict[str, Program]
    """By the name of the program's file."""
    again: int
    """How often events were put anew into the tube, by all programs. They lie behind all marks that were there."""

    def gave_back_since(self, before: Programs) -> bool:
        """Return whether jobs may have gone back into the tube since an earlier look."""
        new = Program(0, 0)
        return any(now.returned != before.programs.get(name, new).returned for name, now in self.programs.items())

    def hold_from(self, before: Programs, own: str) -> bool:
        """Return whether a program other than our own may hold a job that it had at an earlier look."""
        return any(
            name != own and then.turn % 2 == 1 and self.programs.get(name) == then
            for name, then in before.programs.items()
        )


class Turns:
    """The turns of this program in one tube. Use it from one thread only.

    Args:
        folder: The folder of the ledger. Its parent must exist.
        tube: The tube's name.

    Raises:
        Unavailable: From every call: a file can't be opened or read.
    """

    def __init__(self, folder: Path, tube: str) -> None:
        self.tube = tube
        self._parent = folder / _FOLDER
        self._folder = self._parent / tube
        self._file: ClaimedFile | None = None

    @contextmanager
    def turn(self, queue: Queue) -> Iterator[None]:
        """Take a turn. All jobs must be settled when the block ends. If it raises, the queue is closed.

        Args:
            queue: The connection that reserves the jobs.
        """
        values = self._values()
        values[_BEGAN] = time.monotonic_ns()
        values[_TURN] += 1
        try:
            yield
        except BaseException:
            queue.close()
            values[_RETURNED] += 1  # before the turn ends, as in `count_returned`
            raise
        finally:
            if time.monotonic_ns() - values[_BEGAN] > TTR_SECONDS * 10**9 // 2:
                values[_RETURNED] += 1  # the queue may have given jobs back
            values[_TURN] += 1

    def count_returned(self) -> None:
        """Count that jobs went back into the tube. Call this after they did, and before the turn ends.

        Counted earlier, they would seem to be back while they are not. No mark passes before the turn ends.
        """
        self._values()[_RETURNED] += 1

    def count_again(self) -> None:
        """Count that events were put into the tube anew. Call this after they were, and before the turn ends.

        Counted earlier, they would seem to lie before a mark that is put meanwhile.
        """
        self._values()[_AGAIN] += 1

    @property
    def own(self) -> str:
        """The name of this program's file."""
        self._values()
        assert self._file  # noqa: S101 - opened by the line above
        return str(self._file.number)

    def look(self) -> Programs:
        """Return what all programs tell now."""
        programs: dict[str, Program] = {}
        again = 0
        with translate_errors(self._folder):
            for name in os.listdir(self._folder) if self._folder.exists() else ():  # noqa: PTH208 - names suffice
                file = os.open(self._folder / name, os.O_RDONLY)
                try:
                    content = os.pread(file, _FILE.size, 0)
                    if len(content) < _FILE.size:  # a program is just creating it
                        continue
                    turn, began, returned, times = _FILE.unpack(content)
                    if turn % 2 and (time.monotonic_ns() - began > _LOST_NS or not is_claimed(file)):
                        turn, returned = turn + 1, returned + 1  # the queue has given its jobs back
                finally:
                    os.close(file)
                programs[name] = Program(turn, returned)
                again += times
        return Programs(programs, again)

    def close(self) -> None:
        """Give the file back, so that another program can claim it."""
        file, self._file = self._file, None
        if file:
            self._view.release()
            file.close()

    def _values(self) -> memoryview:
        if self._file is None:
            with translate_errors(self._folder):
                make_folder(self._parent.parent)
                make_folder(self._parent)
                self._file = ClaimedFile(self._folder, "", _FILE.size, _PROGRAMS_MAX)
            self._view = memoryview(self._file.map).cast("Q")
            if self._view[_TURN] % 2:  # its program before was killed in a turn
                self._view[_RETURNED] += 1
                self._view[_TURN] += 1
        return self._view
