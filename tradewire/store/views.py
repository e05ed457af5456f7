"""What StoreReader takes and returns. Times are microseconds since 1970, UTC, unless they say seconds."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from tradewire.event import TradeEvent


class Filter(NamedTuple):
    """Selects messages that meet all conditions. None sets no condition. No text may contain NUL."""

    equal: Mapping[str, str] = MappingProxyType({})
    """Values that fields must have, by the field's name in `TradeEvent`."""
    flag: str | None = None
    min_amount: Decimal | None = None
    """Smallest amount sold, not negative."""
    max_amount: Decimal | None = None
    """Largest amount sold, not negative."""
    words: tuple[str, ...] = ()
    """Each must be a currency, the country or a flag, or begin the user's or the message's id. Case is ignored."""
    since: int | None = None
    """Earliest time of receipt."""
    until: int | None = None
    """The time of receipt must be before this."""


class Position(NamedTuple):
    """A position in the archive's order: by time of receipt, then by id."""

    received_at: int
    id: str


class Basis(NamedTuple):
    """The newest messages of a time range, if they alone were read."""

    newest: int
    """Number of messages read. If the filter has a user, a currency, a country or a flag, an index may have left out
    other messages before."""
    since: int
    """Every message of the range that was received at this time or later was read."""


class Page(NamedTuple):
    """A page of messages in order of time."""

    messages: list[TradeEvent]
    next: Position | None
    """Where the next page begins. None if no further message can match."""


class Sort(NamedTuple):
    """An order by the value of a required field. Messages with the same value are in order of time, newest first."""

    field: str
    """Its name in `TradeEvent`."""
    is_descending: bool


class SortedPosition(NamedTuple):
    """A position in such an order."""

    value: str
    position: Position


class SortedPage(NamedTuple):
    """A page of messages in order of a field."""

    messages: list[TradeEvent]
    next: SortedPosition | None
    """Where the next page begins. None if no further message can match."""
    basis: Basis | None
    """None if every message that matches is on a page. Else only those read are."""


class ReceiptView(NamedTuple):
    """A receipt of one message."""

    kind: str
    tube: str
    at: int
    browsers: int
    """Number of browsers it was shown to."""
    reason: str


class OutdatedView(NamedTuple):
    """A message of a time whose messages are deleted, under one time of receipt."""

    received_at: int
    at: int
    """When it was deleted, or refused."""
    was_archived: bool
    """Whether it was archived and deleted. If not, it was refused."""


class Trace(NamedTuple):
    """Everything the archive knows about one message."""

    message: TradeEvent | None
    """None if only receipts are archived so far."""
    archived_at: int | None
    receipts: list[ReceiptView]
    """In order of time."""
    outdated: list[OutdatedView]
    """In order of time."""


class Count(NamedTuple):
    """A number of messages, and how many of them are flagged."""

    messages: int
    flagged: int


class Money(NamedTuple):
    """Amounts and rates of one pair: exact sums, and rates in order of receipt."""

    sold: Decimal
    bought: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class Step(NamedTuple):
    """One step of a series."""

    start: int
    """Seconds since 1970, a multiple of the step's width. The first and the last step may reach beyond the range."""
    total: Count
    money: Money | None
    """None unless the query is for one pair."""


class Stats(NamedTuple):
    """Statistics of a time range."""

    since: int
    """At least the start of the range that was asked for, or later if figures of that time are not kept."""
    until: int
    """Not included. Earlier than asked for if figures of that time are only kept by the hour."""
    kept_since: int
    """Figures of the time before this are deleted; 0 if none are."""
    step: int
    """Width of the series' steps, in seconds. It suits the part of the range since the archive's first event."""
    basis: Basis | None
    """None if every message of the range that matches is counted. Else only those read are."""
    total: Count
    pairs: list[tuple[str, str, Count, Money]]
    """The pairs with the most messages, as (currency from, currency to, …), most messages first."""
    more_pairs: int
    """Number of pairs beyond those in `pairs`."""
    countries: list[tuple[str, Count]]
    """All countries, most messages first."""
    series: list[Step]
    """In order of time. Steps without messages are left out."""
