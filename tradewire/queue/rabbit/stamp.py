"""Stamps: the id of each message, which tells when it was put.

A message that goes back into its queue does not always get its old place. So those that are reserved together are
sorted by their stamps.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from typing import Final

_STAMP: Final = re.compile(r"([0-9a-f]{16})-[0-9a-f]{8}")
_last = 0


def make() -> str:
    """Return a new stamp, later than all others of this process."""
    global _last  # noqa: PLW0603 - the clock of the process: it must not stand still
    _last = max(_last + 1, time.time_ns())
    return f"{_last:016x}-{secrets.token_hex(4)}"


def nanoseconds(message_id: str) -> int:
    """Return the time of a stamp, in nanoseconds since 1970. 0 for the id of a message that others have put."""
    match = _STAMP.fullmatch(message_id)
    return int(match[1], 16) if match else 0


def letter_id(message_id: str, body: bytes) -> str:
    """Return the id of a dead letter. One that others have put may lack a stamp, so its body stands for it."""
    return message_id if _STAMP.fullmatch(message_id) else hashlib.sha256(body).hexdigest()[:32]
