"""Statistics of a batch: which buckets its messages fall into, and what they add to each."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tradewire.store.ids import EncodedId
    from tradewire.store.rows import EventRow

MINUTE: Final = 60
WIDTHS: Final = (MINUTE, 3600, 86400)
"""Seconds that a bucket may span."""

_MICROSECONDS: Final = MINUTE * 1_000_000
_NOTHING: Final = Decimal(0)


class Bucket(NamedTuple):
    """Which bucket among those of one width; what is not part of its kind is empty."""

    kind: str
    start: int
    currency_from: str
    currency_to: str
    country: str


class Rate(NamedTuple):
    """A rate as a number, and as it is written."""

    number: Decimal
    text: str


class Counts(NamedTuple):
    """What a bucket without a pair holds: euros and yen have no sum."""

    messages: int
    flagged: int


class Money(NamedTuple):
    """What a bucket of a pair holds, in the order of the table's columns."""

    messages: int
    flagged: int
    sold: Decimal
    bought: Decimal
    open: Rate
    open_at: int
    open_id: EncodedId
    high: Rate
    low: Rate
    close: Rate
    close_at: int
    close_id: EncodedId


Part = Counts | Money
_NO_MONEY: Final = (None,) * (len(Money._fields) - len(Counts._fields))
_received: Final = attrgetter("received_at", "id")
_opened: Final = attrgetter("open_at", "open_id")
_closed: Final = attrgetter("close_at", "close_id")


def minutes(messages: Iterable[EventRow]) -> dict[Bucket, Part]:
    """Give what messages add to the buckets of their minutes.

    Each is looked at once, for the finest bucket; the others are added up from that. Sums are exact in the decimal
    context of whoever calls.
    """
    groups: dict[tuple[int, str, str, str], list[EventRow]] = defaultdict(list)
    for message in sorted(messages, key=_received):
        minute = message.received_at // _MICROSECONDS * MINUTE
        groups[minute, message.currency_from, message.currency_to, message.country].append(message)
    both = {Bucket("both", *group): _alike(some) for group, some in groups.items()}
    pair = _added_up((Bucket("pair", *bucket[1:4], ""), part) for bucket, part in both.items())
    country = _added_up(
        (Bucket("country", bucket[1], "", "", bucket[4]), Counts(*part[:2])) for bucket, part in both.items()
    )
    everyone = _added_up((Bucket("all", bucket[1], "", "", ""), part) for bucket, part in country.items())
    return {**everyone, **both, **country, **pair}


def wider(buckets: Iterable[tuple[Bucket, Part]], width: int) -> dict[Bucket, Part]:
    """Add up buckets to wider ones."""
    return _added_up((Bucket(bucket[0], bucket[1] // width * width, *bucket[2:]), part) for bucket, part in buckets)


def _added_up(parts: Iterable[tuple[Bucket, Part]]) -> dict[Bucket, Part]:
    """Add up what falls into the same bucket."""
    found: dict[Bucket, list[Any]] = defaultdict(list)
    for bucket, part in parts:
        found[bucket].append(part)
    return {bucket: some[0] if len(some) == 1 else _sum(some) for bucket, some in found.items()}


def rows(buckets: Mapping[Bucket, Part], width: int) -> Iterator[tuple[Any, ...]]:
    """Give rows of `stats`, in the table's order: neighbours share a page."""
    for bucket, part in sorted(buckets.items()):
        yield (bucket[0], width, *bucket[1:], *_columns(part))


def _alike(messages: Sequence[EventRow]) -> Money:
    """Add up messages that all fall into the same buckets, and are in order of time."""
    rates = [Rate(Decimal(message.rate), message.rate) for message in messages]
    first, last = messages[0], messages[-1]
    return Money(
        len(messages),
        sum([message.flags != "" for message in messages]),
        sum([Decimal(message.amount_sell) for message in messages], _NOTHING),
        sum([Decimal(message.amount_buy) for message in messages], _NOTHING),
        rates[0],
        first.received_at,
        first.id,
        max(rates),
        min(rates),
        rates[-1],
        last.received_at,
        last.id,
    )


def _sum(parts: Sequence[Any]) -> Part:
    if isinstance(parts[0], Counts):
        return Counts(*map(sum, zip(*parts, strict=True)))
    count, flagged, sold, bought, _, _, _, high, low, _, _, _ = zip(*parts, strict=True)
    first, last = min(parts, key=_opened), max(parts, key=_closed)
    return Money(
        sum(count),
        sum(flagged),
        sum(sold),
        sum(bought),
        first.open,
        first.open_at,
        first.open_id,
        max(high),
        min(low),
        last.close,
        last.close_at,
        last.close_id,
    )


def _columns(part: Part) -> tuple[Any, ...]:
    """Give the columns that follow the key."""
    if isinstance(part, Counts):
        return *part, *_NO_MONEY
    count, flagged, sold, bought, opened, open_at, open_id, high, low, closed, close_at, close_id = part
    return (
        *(count, flagged, format(sold, "f"), format(bought, "f")),
        *(opened.text, open_at, open_id, high.text, low.text, closed.text, close_at, close_id),
    )
