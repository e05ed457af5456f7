"""The format of a slot's file: a header, a record for each request, and the names of the tubes.

All numbers are words of eight bytes, in the machine's own order. A process writes each word by a single aligned store,
so a reader sees the old or the new value.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "slots"
"""The folder of the slots, in the folder of the ledger."""
HEADER: Final = struct.Struct("=QQQQ")
"""When the slot began, in nanoseconds of the monotonic clock; requests entered; requests settled; and the length of the
tubes' names, which are the end of the file."""
RECORD: Final = struct.Struct("=QQQQ")
"""Time of receipt; number of messages and state; the two halves of the first message's id."""
STARTED, BEGUN, ACCEPTED = (state << 32 for state in range(3))
"""The states of a request."""
STATES: Final = 0xFFFF_FFFF << 32
"""The bits of the state."""

_ROOM_BYTES: Final = 256 * 1024
"""Room for a slot of each ingest process."""


def lack_of_room(folder: Path) -> str:
    """Return why no new slot can be made, without trying to make one. Empty if nothing is in the way.

    Args:
        folder: The folder of the ledger. It may be missing.

    Raises:
        OSError: Its file system can't be examined.
    """
    if not folder.exists():
        return ""
    disk = os.statvfs(folder)
    if disk.f_flag & os.ST_RDONLY:
        return "the file system is read-only"
    if disk.f_bavail * disk.f_frsize < _ROOM_BYTES:
        return "the disk is full"
    return "the disk has no room for another file" if disk.f_files and not disk.f_favail else ""
