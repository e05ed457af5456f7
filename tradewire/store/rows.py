"""A message as the archive keeps it, and how it is made from an update."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tradewire.errors import BadUpdate
from tradewire.trade import FRACTION_DIGITS, WHOLE_DIGITS
from tradewire.update import microseconds

if TYPE_CHECKING:
    from tradewire.update import Update

_AMOUNT: Final = re.compile(rf"\d{{1,{WHOLE_DIGITS}}}(\.\d{{1,{FRACTION_DIGITS}}})?", re.ASCII)


class Message(NamedTuple):
    """The columns of `messages`, in their order; moments in microseconds since 1970."""

    id: str
    received_at: int
    archived_at: int
    user_id: str
    currency_from: str
    currency_to: str
    amount_sell: Decimal
    amount_buy: Decimal
    rate: Decimal
    time_placed: str
    country: str
    flags: str


def message(update: Update, archived_at: int) -> Message:
    """Make the row of an update. Raises BadUpdate where it holds what no trade holds."""
    return Message(
        update.id,
        moment(update.received_at),
        archived_at,
        update.user_id,
        update.currency_from,
        update.currency_to,
        _amount(update.amount_sell),
        _amount(update.amount_buy),
        _amount(update.rate),
        update.time_placed,
        update.originating_country,
        ",".join(update.flags),
    )


def moment(text: str) -> int:
    """Read a moment of an update or a receipt. Raises BadUpdate."""
    try:
        return microseconds(datetime.fromisoformat(text))
    except (ValueError, TypeError):  # TypeError: it has no offset
        raise BadUpdate(f"not a moment: {text!r}") from None


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise BadUpdate(f"not an amount: {text!r}")
    return Decimal(text)
