"""Statistics of a batch of events: the buckets they fall into, and what each bucket gains."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tradewire.store.views import Count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tradewire.store.ids import EncodedId
    from tradewire.store.rows import EventRow

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
FOUR_WEEKS: Final = 28 * DAY
WIDTHS: Final = (MINUTE, HOUR, DAY, FOUR_WEEKS)
"""The time that a bucket spans, in seconds."""

_MICROSECONDS: Final = MINUTE * 1_000_000
_ZERO: Final = Decimal(0)


class Bucket(NamedTuple):
    """The key of a bucket among those of one width. Fields that don't belong to its kind are empty."""

    kind: str
    """`all`, `country`, `pair`, or `both`: pair and country."""
    start: int
    """Seconds since 1970, a multiple of the width."""
    currency_from: str
    currency_to: str
    country: str


class Rate(NamedTuple):
    """A rate as a number and as decimal text. The number comes first, so rates compare by it."""

    number: Decimal
    text: str


class DatedRate(NamedTuple):
    """The rate of one event. Its time and id come first, so dated rates compare by the archive's order."""

    at: int
    id: EncodedId
    rate: Rate


class PairContent(NamedTuple):
    """The content of a bucket with a pair: the fields of Count, then those of Money."""

    messages: int
    flagged: int
    sold: Decimal
    bought: Decimal
    open: DatedRate
    high: Rate
    low: Rate
    close: DatedRate


_MERGES: Final[Sequence[Callable[[Sequence[Any]], Any]]] = (sum, sum, sum, sum, min, max, min, max)
"""How each field of PairContent is merged. Count has the first two."""

Content = Count | PairContent
"""A bucket without a pair has no amounts: euros and yen can't be added."""

_NO_PAIR: Final = (None,) * 10
"""The columns from `sold` on, in the row of a bucket without a pair."""
_REPEATED: Final = (None,) * 5
"""The columns from `high` on, in the row of a bucket with one message."""
_received: Final = attrgetter("received_at", "id")


def minute_buckets(events: Iterable[EventRow]) -> dict[Bucket, Content]:
    """Return what events add to the buckets of their minutes.

    Each event is read once, for its finest bucket. The other buckets are sums of the finest ones.

    Args:
        events: Rows of events, in any order.

    Returns:
        The content by bucket, for every kind of bucket. Sums are exact if the caller's decimal context is wide enough;
        use `exact.CONTEXT`.
    """
    groups: dict[tuple[int, str, str, str], list[EventRow]] = defaultdict(list)
    for event in sorted(events, key=_received):
        minute = event.received_at // _MICROSECONDS * MINUTE
        groups[minute, event.currency_from, event.currency_to, event.originating_country].append(event)
    by_pair_and_country = {Bucket("both", *key): _aggregate(group) for key, group in groups.items()}
    by_pair = _merge(
        (Bucket("pair", bucket.start, bucket.currency_from, bucket.currency_to, ""), content)
        for bucket, content in by_pair_and_country.items()
    )
    by_country = _merge(
        (Bucket("country", bucket.start, "", "", bucket.country), Count(content.messages, content.flagged))
        for bucket, content in by_pair_and_country.items()
    )
    overall = _merge((Bucket("all", bucket.start, "", "", ""), content) for bucket, content in by_country.items())
    return {**overall, **by_pair_and_country, **by_country, **by_pair}


def widen(buckets: Iterable[tuple[Bucket, Content]], width: int) -> dict[Bucket, Content]:
    """Merge buckets into wider ones.

    Args:
        buckets: Buckets with their content.
        width: The new width in seconds.
    """
    return _merge((Bucket(bucket[0], bucket[1] // width * width, *bucket[2:]), content) for bucket, content in buckets)


def _merge(contents: Iterable[tuple[Bucket, Content]]) -> dict[Bucket, Content]:
    """Add up the contents that belong to the same bucket."""
    grouped: dict[Bucket, list[Any]] = defaultdict(list)
    for bucket, content in contents:
        grouped[bucket].append(content)
    return {bucket: group[0] if len(group) == 1 else _sum(group) for bucket, group in grouped.items()}


def to_rows(buckets: Mapping[Bucket, Content], width: int) -> Iterator[tuple[Any, ...]]:
    """Yield rows of the table `stats`, in its key's order, since neighbouring rows share a page.

    Args:
        buckets: The content by bucket.
        width: The width of all these buckets, in seconds.
    """
    for bucket, content in sorted(buckets.items()):
        kind, start, currency_from, currency_to, country = bucket
        yield (kind, width, start, currency_from, currency_to, country, *_columns(content))


def _aggregate(events: Sequence[EventRow]) -> PairContent:
    """Aggregate events of one bucket. They must be in order of time."""
    rates = [Rate(Decimal(event.rate), event.rate) for event in events]
    first, last = events[0], events[-1]
    opened = DatedRate(first.received_at, first.id, rates[0])
    return PairContent(
        len(events),
        sum([event.flags != "" for event in events]),
        sum([Decimal(event.amount_sell) for event in events], _ZERO),
        sum([Decimal(event.amount_buy) for event in events], _ZERO),
        opened,
        max(rates),
        min(rates),
        opened if first is last else DatedRate(last.received_at, last.id, rates[-1]),
    )


def _sum(contents: Sequence[Any]) -> Content:
    fields = zip(*contents, strict=True)
    merged: Content = type(contents[0])(*[merge(field) for merge, field in zip(_MERGES, fields, strict=False)])
    return merged


def _columns(content: Content) -> tuple[Any, ...]:
    """Return the columns after the key."""
    if isinstance(content, Count):
        return *content, *_NO_PAIR
    messages, flagged, sold, bought, first, high, low, last = content
    sums = (messages, flagged, format(sold, "f"), format(bought, "f"), first.rate.text, first.at, first.id)
    if messages == 1:
        return *sums, *_REPEATED
    return *sums, high.text, low.text, last.rate.text, last.at, last.id
