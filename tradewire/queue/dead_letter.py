"""The form of a dead letter in its tube: a line of JSON with the reason, then the event unchanged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from tradewire.limits import MAX_JOB_BYTES
from tradewire.queue import DeadLetter, Rejected

HEADER_BYTES: Final = 4096
"""Space for the header line. The queue must accept jobs that are this much larger than MAX_JOB_BYTES."""
REASON_CHARS_MAX: Final = 500
"""A dead letter and its receipt carry only the beginning of a longer reason."""


class _Header(msgspec.Struct):
    tube: str
    reason: str
    dead_lettered_at: str


def encode(tube: str, rejected: Rejected) -> bytes:
    """Encode a dead letter. An event larger than MAX_JOB_BYTES is cut, and the reason says so."""
    reason = rejected.reason[:REASON_CHARS_MAX]
    if len(rejected.event) > MAX_JOB_BYTES:
        reason += f" (cut: it had {len(rejected.event)} bytes)"
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode(_Header(tube, reason, now)) + b"\n" + rejected.event[:MAX_JOB_BYTES]


def decode(tube: str, dead_letter_id: str, body: bytes) -> DeadLetter:
    """Decode a dead letter. A body without a valid header is the event itself: someone put it into the tube by hand."""
    header, _, event = body.partition(b"\n")
    try:
        decoded = msgspec.json.decode(header, type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return DeadLetter(dead_letter_id, tube, "put here by hand", "", body)
    return DeadLetter(dead_letter_id, decoded.tube, decoded.reason, decoded.dead_lettered_at, event)
