"""Rows of the table `events`, made from trade events."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zlib import crc32

from msgspec.structs import astuple

from tradewire.errors import InvalidEvent
from tradewire.event import TradeEvent, to_microseconds
from tradewire.field_types import FRACTION_DIGITS, WHOLE_DIGITS
from tradewire.fields import OPTIONAL, REQUIRED, TradeFields
from tradewire.store.ids import encode_id
from tradewire.store.schema import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewire.store.ids import EncodedId

USER_GROUPS: Final = 128
"""With fewer groups, a query for one user would skip more events of other users. With more, a transaction would seldom
write several events of the same group. Stored rows depend on this number."""

_WHOLE: Final = rf"(?:0|[1-9]\d{{0,{WHOLE_DIGITS - 1}}})"
_AMOUNT: Final = rf"{_WHOLE}(?:\.\d{{1,{FRACTION_DIGITS}}})?"
_AMOUNT_FIELDS: Final = [field.name for field in REQUIRED if field.type.kind == "amount"]
_OPTIONAL_AMOUNTS: Final = [field.name for field in OPTIONAL if field.type.kind == "amount"]
_amounts: Final = attrgetter(*_AMOUNT_FIELDS)
_AMOUNTS: Final = re.compile(" ".join([_AMOUNT] * len(_AMOUNT_FIELDS)), re.ASCII)
"""Matches all required amounts of an event at once, in half the time of one match for each."""
_ONE_AMOUNT: Final = re.compile(_AMOUNT, re.ASCII)
_FLAGS: Final = TradeEvent.__struct_fields__.index("flags")
_FIRST: Final = _FLAGS - len(REQUIRED)
"""The place of the first field in a TradeEvent. The optional fields come after the flags."""

if TYPE_CHECKING:

    class EventRow(TradeFields[str, str], tuple[Any, ...]):
        """A row of the table `events`, in the order of its columns."""

        __slots__ = ()
        id: EncodedId
        received_at: int
        archived_at: int
        flags: str
        user_group: int

else:
    EventRow = NamedTuple("EventRow", [(column.key, Any) for column in events.columns])
    """A row of the table `events`. Times are microseconds since 1970, UTC; amounts are decimal text."""
_new_row: Final[Callable[[tuple[Any, ...]], EventRow]] = partial(tuple.__new__, EventRow)
"""Takes all columns as one tuple, in half the time of EventRow(*columns)."""


def to_row(event: TradeEvent, archived_at: int, dialect: str) -> EventRow:
    """Return the row of an event.

    Args:
        event: The event.
        archived_at: The time of saving, in microseconds since 1970, UTC.
        dialect: The name of SQLAlchemy's dialect.

    Raises:
        InvalidEvent: An amount is malformed or too long, or the time of receipt is not a timestamp.
    """
    amounts = " ".join(_amounts(event))
    if not _AMOUNTS.fullmatch(amounts):
        raise InvalidEvent(f"not amounts: {amounts!r}")
    for name in _OPTIONAL_AMOUNTS:
        amount = getattr(event, name)
        if amount is not None and not _ONE_AMOUNT.fullmatch(amount):
            raise InvalidEvent(f"not an amount: {amount!r}")
    values = astuple(event)
    head = (encode_id(event.id, dialect), parse_timestamp(event.received_at), archived_at)
    tail = (",".join(event.flags), user_group(event.user_id))
    return _new_row(head + values[_FIRST:_FLAGS] + tail + values[_FLAGS + 1 :])


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
