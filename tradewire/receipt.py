"""The receipt: what the live path tells the archive. It travels in the archive's tube only, a line of JSON."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from tradewire.errors import InvalidEvent
from tradewire.event import Id

Kind = Literal["shown", "expired", "dead-lettered", "discarded"]

_MARK: Final = b'{"receipt":'
"""How a receipt begins, and no event does."""
IDS_MAX: Final = 10_000
"""In one receipt, which so stays far below the largest job."""
_Text = Annotated[str, msgspec.Meta(max_length=1000)]


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of some events, in one tube."""

    receipt: Kind
    """shown: to browsers. expired: given up unseen. buried: refused. discarded: deleted by an operator."""
    at: _Text
    """When, ISO 8601 in UTC with a `Z`."""
    ids: list[Id]
    tube: _Text = "live"
    browsers: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    """How many they were shown to; 0 where it is known only that it happened."""
    reason: _Text = ""
    """Why they were buried, or expired: `age` or `evicted`."""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Receipt)


def encode(receipt: Receipt) -> bytes:
    """Encode a receipt: one JSON object without a line end in it."""
    return _encoder.encode(receipt)


def is_receipt(line: bytes) -> bool:
    """Tell whether a line of the archive's tube is a receipt; else it is an event."""
    return line.startswith(_MARK)


def decode(line: bytes) -> Receipt:
    """Decode one receipt. Raises InvalidEvent where the line is not exactly one."""
    try:
        return _decoder.decode(line)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidEvent(f"not a receipt: {error}") from None
