"""How a buried update lies in its tube: a line of JSON that says why, then the update as it came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import Buried, Guilty

HEADER_BYTES: Final = 4096
"""Room that the queue must leave above MAX_JOB_BYTES for the line that says why."""
_REASON_MAX: Final = 500


class _Header(msgspec.Struct):
    tube: str
    reason: str
    buried_at: str


def encode(tube: str, guilty: Guilty) -> bytes:
    """Encode a burial. What is longer than any job may be is cut, and the reason says so."""
    reason = guilty.reason[:_REASON_MAX]
    if len(guilty.update) > MAX_JOB_BYTES:
        reason += f" (cut: it had {len(guilty.update)} bytes)"
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode(_Header(tube, reason, now)) + b"\n" + guilty.update[:MAX_JOB_BYTES]


def decode(tube: str, buried_id: int, body: bytes) -> Buried:
    """Decode a burial; what someone put into the tube by hand is shown as that."""
    header, _, update = body.partition(b"\n")
    try:
        read = msgspec.json.decode(header, type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Buried(buried_id, tube, "put here by hand", "", body)
    return Buried(buried_id, read.tube, read.reason, read.buried_at, update)
