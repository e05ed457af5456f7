"""A small file that one process at a time writes to, through its memory, so that each write outlives kill -9.

The kernel owns the mapped pages, so what was written stays when the process ends. The next process continues in the
same file.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class ClaimedFile:
    """The first file of a folder that no running process has claimed. It is created if all are claimed.

    Example:
        file = ClaimedFile(folder, "accepted-", size=8, claims_max=128)
        count = memoryview(file.map).cast("q")
        count[0] += 1  # a single aligned store: a process that is killed leaves the old or the new value

    Args:
        folder: The folder. It is created if it is missing; its parent must exist.
        prefix: The files are named `prefix` + number, from 0 on.
        size: The file's size in bytes. A new file has zeros.
        claims_max: How many files may be claimed at the same time.

    Raises:
        OSError: No file can be opened, the disk has no room for it, or too many are claimed.
    """

    def __init__(self, folder: Path, prefix: str, size: int, claims_max: int) -> None:
        make_folder(folder)
        self._file, self.number = _claim(folder, prefix, claims_max)
        try:
            os.posix_fallocate(self._file, 0, size)  # on a full disk, writing to the map would be fatal
            self.map = mmap.mmap(self._file, size)
        except OSError:
            os.close(self._file)
            raise

    def close(self) -> None:
        """Give the file back, so that another process can claim it. Release all views of the map first."""
        self.map.close()
        os.close(self._file)


def make_folder(folder: Path) -> None:
    """Make a folder for the programs' user, unless it exists.

    Args:
        folder: The folder. Its parent must exist.

    Raises:
        OSError: It can't be made.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    give_to_owner_of(folder.parent, folder)


def give_to_owner_of(folder: Path, file: int | Path) -> None:
    """Give what root has made in a folder to the folder's owner, so that a tool of root locks out no program.

    Args:
        folder: The folder.
        file: A file or folder in it.
    """
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def is_claimed(file: int) -> bool:
    """Return whether a running process has claimed an open file.

    Args:
        file: A file descriptor. Close it soon: as long as it is open, no process can claim the file.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _claim(folder: Path, prefix: str, claims_max: int) -> tuple[int, int]:
    """Open and lock the first free file. Return its descriptor and its number."""
    for number in range(claims_max):
        try:
            file = os.open(folder / f"{prefix}{number}", os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:  # a tool that root ran made it
            continue
        give_to_owner_of(folder, file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel releases the lock when the process ends
        except BlockingIOError:
            os.close(file)
        else:
            return file, number
    raise OSError(f"{claims_max} processes count in {folder} already, the most there can be")
