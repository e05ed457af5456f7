"""Rows of the table `events`, made from trade events."""

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
"""With fewer groups, a query for one user would skip more events of other users. With more, a transaction would seldom
write several events of the same group. Stored rows depend on this number."""

_WHOLE: Final = rf"(?:0|[1-9]\d{{0,{WHOLE_DIGITS - 1}}})"
_AMOUNT: Final = rf"{_WHOLE}(?:\.\d{{1,{FRACTION_DIGITS}}})?"
_AMOUNTS: Final = re.compile(f"{_AMOUNT} {_AMOUNT} {_AMOUNT}", re.ASCII)
"""Matches the three amounts of an event at once, in half the time of three matches."""


class EventRow(NamedTuple):
    """The columns of the table `events`, in order. Times are microseconds since 1970, UTC; amounts are decimal text."""

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
    """Return the row of an event.

    Args:
        event: The event.
        archived_at: The time of saving, in microseconds since 1970, UTC.
        dialect: The name of SQLAlchemy's dialect.

    Raises:
        InvalidEvent: An amount is malformed or too long, or the time of receipt is not a timestamp.
    """
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
    """Return the group of a user, from 0 to USER_GROUPS - 1.

    Events are indexed by group. An index by user would have to be written at as many places as there are users.
    """
    return crc32(user_id.encode()) % USER_GROUPS


@lru_cache(maxsize=1024)  # messages posted together have the same time of receipt
def parse_timestamp(text: str) -> int:
    """Parse the time of an event or a receipt.

    Args:
        text: ISO 8601 with an offset.

    Returns:
        Microseconds since 1970, UTC.

    Raises:
        InvalidEvent: The text is not a timestamp.
    """
    try:
        return to_microseconds(datetime.fromisoformat(text))
    except (ValueError, TypeError):  # TypeError if it has no offset
        raise InvalidEvent(f"not a timestamp: {text!r}") from None
