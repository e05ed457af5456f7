"""When each key was used last, and its rate limit, in a memory-mapped file that all processes of a host share.

Each key has a slot of two numbers. A request stores both, which costs no system call. No lock guards them: two
processes that serve the same key at the same instant may count one request instead of two.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from typing import TYPE_CHECKING, Final

from tradewire.claimed_file import give_to_owner_of, make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from tradewire.access.key import Key

SLOTS: Final = 4096
"""How many keys there can be."""
_SLOT: Final = struct.Struct("=qq")
_SECOND: Final = 10**9
"""In nanoseconds."""


class KeyUse:
    """The uses of all keys.

    Args:
        path: The file. It and its folder are created if they are missing.

    Raises:
        OSError: It can't be opened, or the disk has no room for it.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            give_to_owner_of(path.parent, file)
            os.posix_fallocate(file, 0, SLOTS * _SLOT.size)  # on a full disk, writing to the map would be fatal
            self._numbers = memoryview(mmap.mmap(file, SLOTS * _SLOT.size)).cast("q")
        finally:
            os.close(file)

    def take(self, key: Key) -> bool:
        """Count a request of a key. Return False, and count nothing, if the key is over its rate.

        A key that sends at exactly its rate is never refused, however its requests bunch up: as in nginx, the burst is
        one second's worth.
        """
        numbers, place = self._numbers, 2 * key.slot
        if key.rate:
            now, cost = time.monotonic_ns(), _SECOND // key.rate
            ahead = max(0, numbers[place] - now)
            if ahead > 2 * _SECOND + cost:  # the number is from before a reboot
                ahead = 0
            if ahead > _SECOND:
                return False
            numbers[place] = now + ahead + cost
        numbers[place + 1] = time.time_ns()
        return True


def last_use(path: Path, key: Key) -> int | None:
    """Return when a key was used last, in Unix seconds; None if it never was."""
    try:
        with path.open("rb") as file:
            file.seek(key.slot * _SLOT.size)
            _, used = _SLOT.unpack(file.read(_SLOT.size))
    except (FileNotFoundError, struct.error):
        return None
    used //= _SECOND
    return used if used >= key.created else None  # an earlier key had the slot
