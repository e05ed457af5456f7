"""The mark: tells that everything which was put into a tube up to certain slots lies before it.

The reconciler puts marks into each tube, as jobs of their own. A processor that finds one settles what lies before it,
then puts a receipt that the mark has passed, and deletes it. Sinks never see a mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Mark(msgspec.Struct, frozen=True):
    """A mark."""

    mark: dict[int, int]
    """By ingest process (see `tradewire.ledger.slots`), the number of the last slot whose messages lie before it."""
    again: int
    """How often events had been put into this tube anew (see `processor.turns`)."""


_START: Final = b'{"mark":'
"""Every mark begins with this, and no event or receipt does."""
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Mark)


def encode(mark: Mark) -> bytes:
    """Encode a mark as the body of a job."""
    return _encoder.encode(mark)


def decode(body: bytes) -> Mark | None:
    """Decode the body of a job. Return None if it is not a mark."""
    if not body.startswith(_START):
        return None
    try:
        return _decoder.decode(body)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        return None


def merge(slots: Iterable[dict[int, int]]) -> dict[int, int]:
    """Return by process the greatest number of several marks."""
    merged: dict[int, int] = {}
    for numbers in slots:
        for process, number in numbers.items():
            merged[process] = max(number, merged.get(process, number))
    return merged
