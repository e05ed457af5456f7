"""Blocks that one connection of a stack at a time runs, in whichever process it is."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tradewire.claimed_file import give_to_owner_of, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER: Final = "alone"
_PAUSE_SECONDS: Final = 0.01


@contextmanager
def alone(folder: Path, name: str, seconds: float) -> Iterator[bool]:
    """Run a block while no other connection runs one of the same name.

    Args:
        folder: All connections of the stack must share it. Its parent must exist.
        name: The block's name. A file gets it.
        seconds: How long to wait for the others.

    Yields:
        Whether the others have ended. If not, the block is not alone.

    Raises:
        OSError: The file can't be created.
    """
    for each in (folder, folder / _FOLDER):
        make_folder(each)
    file = os.open(folder / _FOLDER / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        give_to_owner_of(folder, file)
        yield _lock(file, time.monotonic() + seconds)
    finally:
        os.close(file)  # this releases the lock, as the end of the process does


def _lock(file: int, until: float) -> bool:
    """Lock a file. It never blocks the thread, on which the lock's owner may be a greenlet."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(_PAUSE_SECONDS)
        else:
            return True
