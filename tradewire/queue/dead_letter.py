"""How a buried event lies in its tube: a line of JSON that says why, then the event as it came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import DeadLetter, Rejected

HEADER_BYTES: Final = 4096
"""Room that the queue must leave above MAX_JOB_BYTES for the line that says why."""
_REASON_MAX: Final = 500


class _Header(msgspec.Struct):
    tube: str
    reason: str
    dead_lettered_at: str


def encode(tube: str, rejected: Rejected) -> bytes:
    """Encode a dead_letter. What is longer than any job may be is cut, and the reason says so."""
    reason = rejected.reason[:_REASON_MAX]
    if len(rejected.event) > MAX_JOB_BYTES:
        reason += f" (cut: it had {len(rejected.event)} bytes)"
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode(_Header(tube, reason, now)) + b"\n" + rejected.event[:MAX_JOB_BYTES]


def decode(tube: str, dead_letter_id: int, body: bytes) -> DeadLetter:
    """Decode a burial; what someone put into the tube by hand is shown as that."""
    header, _, event = body.partition(b"\n")
    try:
        read = msgspec.json.decode(header, type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return DeadLetter(dead_letter_id, tube, "put here by hand", "", body)
    return DeadLetter(dead_letter_id, read.tube, read.reason, read.dead_lettered_at, event)
