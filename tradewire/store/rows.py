"""A message as the archive keeps it, and how it is made from an update."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from tradewire.errors import BadUpdate
from tradewire.store.ids import stored
from tradewire.trade import FRACTION_DIGITS, WHOLE_DIGITS
from tradewire.update import microseconds

if TYPE_CHECKING:
    from tradewire.store.ids import Stored
    from tradewire.update import Update

USER_GROUPS: Final = 128
"""Small enough that what is written at once adds to each group more than one message; large enough that a reader who
wants one user has few others to pass by. What is stored depends on it."""

_WHOLE: Final = rf"(?:0|[1-9]\d{{0,{WHOLE_DIGITS - 1}}})"
_AMOUNT: Final = rf"{_WHOLE}(?:\.\d{{1,{FRACTION_DIGITS}}})?"
_AMOUNTS: Final = re.compile(f"{_AMOUNT} {_AMOUNT} {_AMOUNT}", re.ASCII)
"""All three of an update: one look takes half the time of three."""


class Message(NamedTuple):
    """The columns of `messages`, in their order; moments in microseconds since 1970, amounts as they are written."""

    id: Stored
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


def message(update: Update, archived_at: int, dialect: str) -> Message:
    """Make the row of an update. Raises BadUpdate where it holds what no trade holds."""
    amounts = f"{update.amount_sell} {update.amount_buy} {update.rate}"
    if not _AMOUNTS.fullmatch(amounts):
        raise BadUpdate(f"not amounts: {amounts!r}")
    return Message(
        stored(update.id, dialect),
        moment(update.received_at),
        archived_at,
        update.user_id,
        update.currency_from,
        update.currency_to,
        update.amount_sell,
        update.amount_buy,
        update.rate,
        update.time_placed,
        update.originating_country,
        ",".join(update.flags),
        user_group(update.user_id),
    )


def user_group(user_id: str) -> int:
    """Give the group of users that one is among: an index of many users would be written at as many places."""
    return crc32(user_id.encode()) % USER_GROUPS


@lru_cache(maxsize=1024)  # messages that were posted together share their moment
def moment(text: str) -> int:
    """Read a moment of an update or a receipt. Raises BadUpdate."""
    try:
        return microseconds(datetime.fromisoformat(text))
    except (ValueError, TypeError):  # TypeError: it has no offset
        raise BadUpdate(f"not a moment: {text!r}") from None
