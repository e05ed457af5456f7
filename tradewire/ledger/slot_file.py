"""The format of a slot's file: a header, a record for each request, and the names of the tubes.

All numbers are words of eight bytes, in the machine's own order. A process writes each word by a single aligned store,
so a reader sees the old or the new value.
"""

from __future__ import annotations

import struct
from typing import Final

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
