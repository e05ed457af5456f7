"""A message as the archive keeps it, and how it is made from an event."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from tradewire.errors import InvalidEvent
from tradewire.event import to_microseconds
from tradewire.store.ids import encode_id
from tradewire.trade import FRACTION_DIGITS, WHOLE_DIGITS

if TYPE_CHECKING:
    from tradewire.event import TradeEvent
    from tradewire.store.ids import EncodedId

USER_GROUPS: Final = 128
"""Small enough that what is written at once adds to each group more than one message; large enough that a reader who
wants one user has few others to pass by. What is stored depends on it."""

_WHOLE: Final = rf"(?:0|[1-9]\d{{0,{WHOLE_DIGITS - 1}}})"
_AMOUNT: Final = rf"{_WHOLE}(?:\.\d{{1,{FRACTION_DIGITS}}})?"
_AMOUNTS: Final = re.compile(f"{_AMOUNT} {_AMOUNT} {_AMOUNT}", re.ASCII)
"""All three of an event: one look takes half the time of three."""


class EventRow(NamedTuple):
    """The columns of `messages`, in their order; moments in microseconds since 1970, amounts as they are written."""

    id: EncodedId
    received_at: int
    archived_at: int
    user_id: str
    currency_from: str
    currency_to: str
    amount_sell: str
    amount_buy: str
    rate: str
    time_placed: str
    country: str
    flags: str
    user_group: int


def to_row(event: TradeEvent, archived_at: int, dialect: str) -> EventRow:
    """Make the row of an event. Raises InvalidEvent where it holds what no trade holds."""
    amounts = f"{event.amount_sell} {event.amount_buy} {event.rate}"
    if not _AMOUNTS.fullmatch(amounts):
        raise InvalidEvent(f"not amounts: {amounts!r}")
    return EventRow(
        encode_id(event.id, dialect),
        parse_timestamp(event.received_at),
        archived_at,
        event.user_id,
        event.currency_from,
        event.currency_to,
        event.amount_sell,
        event.amount_buy,
        event.rate,
        event.time_placed,
        event.originating_country,
        ",".join(event.flags),
        user_group(event.user_id),
    )


def user_group(user_id: str) -> int:
    """Give the group of users that one is among: an index of many users would be written at as many places."""
    return crc32(user_id.encode()) % USER_GROUPS


@lru_cache(maxsize=1024)  # messages that were posted together share their moment
def parse_timestamp(text: str) -> int:
    """Read a moment of an event or a receipt. Raises InvalidEvent."""
    try:
        return to_microseconds(datetime.fromisoformat(text))
    except (ValueError, TypeError):  # TypeError: it has no offset
        raise InvalidEvent(f"not a moment: {text!r}") from None
