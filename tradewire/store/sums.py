"""Sums of a part of a time range, and how the parts make up the statistics of all of it.

Databases can't add up amounts exactly, or only slowly. So they give all amounts of a group as one text, which is read
here. Fetching a row for each would take longer than adding them up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal, localcontext
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import BigInteger, Text, cast, func

from tradewire.store.exact import CONTEXT
from tradewire.store.views import Count, Money, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement

PAIRS_MAX: Final = 1_000
"""Pairs listed, out of tens of thousands that are possible. Adding up a pair's amounts is the most expensive part."""


class Sums(NamedTuple):
    """The messages of one group. Texts hold decimal numbers, separated by spaces."""

    messages: int
    flagged: int
    sold: str = ""
    """All amounts sold. Empty, like all texts, if the group has several pairs: euros and yen can't be added."""
    bought: str = ""
    high: str = ""
    """Rates; the highest of them is the highest rate of the group."""
    low: str = ""
    opened: str = ""
    """When the first message was received, its id if another may have the same time, and its rate."""
    closed: str = ""
    """The same for the last message."""


class Part(NamedTuple):
    """The sums of all messages received in a part of a time range."""

    pairs: list[tuple[str, str, Sums]]
    """By currency from and to."""
    countries: list[tuple[str, Sums]]
    series: list[tuple[int, Sums]]
    """By the start of the step, in seconds since 1970. A step may have several entries, in order of time."""


class Merged(NamedTuple):
    """The statistics of all parts together; see the members of Stats."""

    total: Count
    pairs: list[tuple[str, str, Count, Money]]
    more_pairs: int
    countries: list[tuple[str, Count]]
    series: list[Step]


def total(column: ColumnElement[int]) -> ColumnElement[int]:
    """Return the SQL expression that adds up integers of a group."""
    return cast(func.sum(column), BigInteger)


def joined(amount: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the SQL expression for the amounts of a group as one text."""
    return func.aggregate_strings(cast(amount, Text), " ")


def dated(at: ColumnElement[Any], *texts: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the SQL expression for a text that sorts by time, and then by the other texts.

    Microseconds since 1970 have had 16 digits since 2001.
    """
    text: ColumnElement[str] = cast(at, Text)
    for each in texts:
        text = text.concat(" ").concat(cast(each, Text))
    return text


def merge(parts: Iterable[Part]) -> Merged:
    """Put parts together. They must be in order of time."""
    pairs: dict[tuple[str, str], list[Sums]] = defaultdict(list)
    countries: dict[str, list[Sums]] = defaultdict(list)
    steps: dict[int, list[Sums]] = defaultdict(list)
    for part in parts:
        for currency_from, currency_to, sums in part.pairs:
            pairs[currency_from, currency_to].append(sums)
        for country, sums in part.countries:
            countries[country].append(sums)
        for start, sums in part.series:
            steps[start].append(sums)
    busiest = nsmallest(PAIRS_MAX, pairs, key=lambda pair: (-_count(pairs[pair]).messages, pair))
    by_country = [(country, _count(each)) for country, each in countries.items()]
    series = [
        Step(start, _count(each), _money(each) if each[0].sold else None) for start, each in sorted(steps.items())
    ]
    return Merged(
        _count(sums for each in steps.values() for sums in each),
        [(*pair, _count(pairs[pair]), _money(pairs[pair])) for pair in busiest],
        len(pairs) - len(busiest),
        sorted(by_country, key=lambda country: (-country[1].messages, country[0])),
        series,
    )


def _count(sums: Iterable[Sums]) -> Count:
    counts: Counter[str] = Counter()
    for each in sums:
        counts["messages"] += each.messages
        counts["flagged"] += each.flagged
    return Count(counts["messages"], counts["flagged"])


def _money(sums: Sequence[Sums]) -> Money:
    """Add up the sums of one pair. They must be in order of time."""
    sold, bought, highs, lows = (
        list(map(Decimal, " ".join(texts).split())) for texts in zip(*(each[2:6] for each in sums), strict=True)
    )
    opened, closed = (Decimal(text.rpartition(" ")[2]) for text in (sums[0].opened, sums[-1].closed))
    with localcontext(CONTEXT):
        return Money(sum(sold, Decimal(0)), sum(bought, Decimal(0)), opened, max(highs), min(lows), closed)
