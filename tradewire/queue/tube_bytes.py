"""Counts the bytes of the jobs in each tube, for engines whose server counts only the jobs themselves.

Each connection adds what it puts and subtracts what it deletes, in files of its own (see `tradewire.claimed_file`). The
sum over all files is what a tube holds. A process that is killed between a command and its count leaves an error of a
few jobs. It is corrected as soon as the tube is empty.

Example:
    tube_bytes = TubeBytes(settings.counters)
    tube_bytes.claim("live")
    tube_bytes.add("live", len(body))
    tube_bytes.total("live")
"""

from __future__ import annotations

import fcntl
import os
import struct
from typing import TYPE_CHECKING, Final

from tradewire.claimed_file import ClaimedFile, make_folder

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = "bytes"
_COUNT: Final = struct.Struct("=q")
_CONNECTIONS_MAX: Final = 2000


class TubeBytes:
    """The counts of one connection, and the totals of all. Use it from one thread at a time.

    `claim`, `total` and `correct` raise OSError if a file can't be created or read.

    Args:
        folder: All connections to the queue on this host must share it. Its parent must exist.
    """

    def __init__(self, folder: Path) -> None:
        self._parent = folder
        self._folder = folder / _FOLDER
        self._counts: dict[str, tuple[ClaimedFile, memoryview]] = {}

    def claim(self, tube: str) -> None:
        """Prepare to count a tube's bytes. Call this before commands that change them, so that `add` can't fail."""
        if tube not in self._counts:
            for folder in (self._parent, self._folder):
                make_folder(folder)
            file = ClaimedFile(self._folder / tube, "", _COUNT.size, _CONNECTIONS_MAX)
            self._counts[tube] = file, memoryview(file.map).cast("q")

    def add(self, tube: str, size: int) -> None:
        """Count bytes that were put into a tube; negative if they were deleted."""
        _, count = self._counts[tube]
        count[0] += size

    def tubes(self) -> list[str]:
        """Return the tubes that were ever counted."""
        try:
            return os.listdir(self._folder)  # noqa: PTH208 - see `total`
        except FileNotFoundError:
            return []

    def total(self, tube: str) -> int:
        """Return the bytes that a tube holds, as all connections counted them. May be negative by a few jobs."""
        folder = f"{self._folder}/{tube}"
        try:
            names = os.listdir(folder)  # noqa: PTH208 - pathlib takes four times as long, and this runs every second
        except FileNotFoundError:
            return 0
        return sum(_read(f"{folder}/{name}") for name in names)

    def correct(self, tube: str) -> None:
        """Make the total of an empty tube zero."""
        if not self.total(tube):
            return
        self.claim(tube)
        folder = os.open(self._folder / tube, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # otherwise two processes could both correct the same error
            self.add(tube, -self.total(tube))
        finally:
            os.close(folder)

    def close(self) -> None:
        """Give the files back, so that other connections continue them."""
        for file, count in self._counts.values():
            count.release()
            file.close()
        self._counts.clear()


def _read(path: str) -> int:
    file = os.open(path, os.O_RDONLY)
    try:
        content = os.read(file, _COUNT.size)
    finally:
        os.close(file)
    return _COUNT.unpack(content)[0] if len(content) == _COUNT.size else 0  # else a process is just creating it
