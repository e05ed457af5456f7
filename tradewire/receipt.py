"""The receipt: tells the archive what happened to events in a tube.

Receipts travel in the archive's tube only, between the events, as one line of JSON each.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from tradewire.errors import InvalidEvent
from tradewire.event import Id, format_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind = Literal["shown", "delivered", "expired", "dead-lettered", "discarded"]
"""What may happen to events in a tube."""
PASSED: Final = "passed"
"""The kind of a receipt that is about a mark instead (see `tradewire.mark`)."""

_MARK: Final = b'{"receipt":'
"""Every receipt begins with this, and no event does."""
IDS_MAX: Final = 10_000
"""Most ids in one receipt. This keeps it far below the largest job."""
_Text = Annotated[str, msgspec.Meta(max_length=1000)]


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened to some events in one tube.

    Example:
        Receipt("shown", format_time(datetime.now(UTC)), ids, tube="live", browsers=3)
    """

    receipt: Kind | Literal["passed"]
    """shown: sent to browsers, now or earlier. delivered: delivered by any other consumer. expired: dropped before it
    was delivered. dead-lettered: it could not be processed. discarded: its dead letter was deleted. passed: a mark has
    left the tube."""
    at: _Text
    """When it happened, ISO 8601 in UTC with a `Z`."""
    ids: list[Id]
    """The events, at most `IDS_MAX`."""
    tube: _Text = "live"
    """The tube whose copies of the events this is about."""
    browsers: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    """Number of browsers that the events were sent to. 0 if they were shown earlier and the number is unknown."""
    reason: _Text = ""
    """Why the events became dead letters; or why they expired: `age`, `evicted` or `dropped`. If a dead letter was
    discarded: `evicted`, `dropped`, or empty if an operator deleted it."""

    slots: dict[int, int] = {}
    """If a mark has passed: its slots. Empty otherwise."""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Receipt)


def encode(receipt: Receipt) -> bytes:
    """Encode a receipt as one JSON object without a line end. Fields that have their default are left out."""
    return _encoder.encode(receipt)


def encode_all(kind: Kind, tube: str, ids: Sequence[str], reason: str = "") -> Iterator[bytes]:
    """Encode receipts about any number of events, with the current time.

    Args:
        kind: What happened.
        tube: The tube that it happened in.
        ids: The events.
        reason: Why it happened, for kinds that have a reason.
    """
    now = format_time(datetime.now(UTC))
    for start in range(0, len(ids), IDS_MAX):
        yield encode(Receipt(kind, now, list(ids[start : start + IDS_MAX]), tube, reason=reason))


def passed(tube: str, slots: dict[int, int]) -> Receipt:
    """Return a receipt about a mark that has passed.

    Args:
        tube: The tube.
        slots: By ingest process, the number of the last slot that the mark is about.
    """
    return Receipt(PASSED, format_time(datetime.now(UTC)), [], tube, slots=slots)


def is_receipt(line: bytes) -> bool:
    """Return whether a line from the archive's tube is a receipt. If not, it is an event."""
    return line.startswith(_MARK)


def decode(line: bytes) -> Receipt:
    """Decode and check one receipt.

    Raises:
        InvalidEvent: The line is not exactly one receipt; the message says why.
    """
    try:
        return _decoder.decode(line)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidEvent(f"not a receipt: {error}") from None
