"""What the archive is asked, and what it gives. Moments are microseconds since 1970, UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from decimal import Decimal

    from tradewire.event import TradeEvent


class Filter(NamedTuple):
    """Which messages are asked for; None asks for all. No text holds a NUL."""

    currency_from: str | None = None
    currency_to: str | None = None
    country: str | None = None
    user: str | None = None
    flag: str | None = None
    least: Decimal | None = None
    """Sold, at least; as an amount is written, and not negative."""
    most: Decimal | None = None
    """Sold, at most; the same."""
    words: tuple[str, ...] = ()
    """Each must be a currency, the country or a flag, or begin the user's or the message's id; case folded."""
    since: int | None = None
    """Received then or later."""
    until: int | None = None
    """Received before then."""


class Position(NamedTuple):
    """A place in the archive's order, which is by moment received, then by id."""

    received_at: int
    id: str


class Page(NamedTuple):
    """Some messages, newest first."""

    messages: list[TradeEvent]
    next: Position | None
    """Where to go on, downward; None where nothing older can match."""


class ReceiptView(NamedTuple):
    """What became of a message beyond the archive."""

    kind: str
    tube: str
    at: int
    browsers: int
    reason: str


class Trace(NamedTuple):
    """All that is known of one message."""

    message: TradeEvent | None
    archived_at: int | None
    receipts: list[ReceiptView]


class Count(NamedTuple):
    """So many messages, so many of them flagged."""

    messages: int
    flagged: int


class Money(NamedTuple):
    """What one pair did: exact sums, and rates by moment received."""

    sold: Decimal
    bought: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class Step(NamedTuple):
    """One step of a series; `start` in seconds since 1970, and money only where one pair is asked for."""

    start: int
    total: Count
    money: Money | None


class Stats(NamedTuple):
    """Statistics over a stretch of time, `since` to `until` in seconds since 1970."""

    since: int
    until: int
    step: int
    total: Count
    pairs: list[tuple[str, str, Count, Money]]
    """The busiest, most messages first."""
    more_pairs: int
    """How many there are besides."""
    countries: list[tuple[str, Count]]
    series: list[Step]
