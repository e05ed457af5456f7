"""Adds up the statistics of any time range from a few buckets.

Buckets of hours and days don't include the newest minute that has events. If the range does, that minute is added.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal, localcontext
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from sqlalchemy import BigInteger, Text, cast, func, literal_column, select

from tradewire.store.buckets import MINUTE, WIDTHS
from tradewire.store.exact import CONTEXT
from tradewire.store.schema import stats as buckets
from tradewire.store.statistics import newest_minute
from tradewire.store.views import Count, Money, Stats, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

PAIRS_MAX: Final = 1_000
"""Pairs listed, out of tens of thousands that are possible. Adding up a pair's amounts is the most expensive part."""
STEPS_MAX: Final = 1_500
"""Steps of a series: 25 hours in minutes, or two months in hours."""

_columns: Final = buckets.c
_overall: Final = buckets.alias("overall").c
_EMPTY: Final[ColumnElement[str]] = literal_column("''")
_counts: Final = (_columns["count"], _columns.flagged)
_money: Final = tuple(_columns[name] for name in Money._fields)


def _total(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)


def _joined(amount: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the amounts of a group as one text. Fetching a row for each would take longer than adding them up."""
    return func.aggregate_strings(cast(amount, Text), " ")


def _dated(at: ColumnElement[Any], rate: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a text that sorts by time and ends in the rate. Microseconds since 1970 have had 16 digits since 2001."""
    return cast(at, Text).concat(" ").concat(cast(rate, Text))


_pair_totals: Final = (
    *map(_total, _counts),
    *map(_joined, (_columns.sold, _columns.bought, _columns.high, _columns.low)),
    func.min(_dated(_columns.open_at, _columns.open)),
    func.max(_dated(_columns.close_at, _columns.close)),
)


class _Span(NamedTuple):
    """Adjacent buckets of one width."""

    width: int
    """Seconds."""
    since: int
    """Seconds since 1970, a multiple of the width."""
    until: int
    """The same. Not included."""


class _Selection(NamedTuple):
    """The pair or the country that statistics are for. Empty for all, as in the table."""

    currency_from: str
    currency_to: str
    country: str


def stats(connection: Connection, since: int, until: int, pair: tuple[str, str] | None, country: str | None) -> Stats:
    """Return the statistics; see StoreReader.stats."""
    step = next((width for width in WIDTHS if until - since <= STEPS_MAX * width), WIDTHS[-1])
    since, until = since // step * step, -(-until // step) * step
    selection = _Selection(*(pair or ("", "")), country or "")
    newest = newest_minute(connection)
    # If no event is newer than the range, the bucket of its last day holds nothing beyond the range. One bucket is read
    # instead of many.
    spans_end = until if newest is not None and newest >= until else -(-until // WIDTHS[-1]) * WIDTHS[-1]
    spans = list(_spans(since, spans_end, WIDTHS))
    series = _series(connection, _Span(step, since, until), selection)
    if newest is not None and since <= newest < until:
        newest_span = _Span(MINUTE, newest, newest + MINUTE)
        if step > MINUTE:
            series = _add_minute(series, _series(connection, newest_span, selection), step)
        if not any(span.width == MINUTE and span.since <= newest < span.until for span in spans):
            spans.append(newest_span)
    total = Count(sum(entry.total.messages for entry in series), sum(entry.total.flagged for entry in series))
    pairs, more_pairs = _pairs(connection, spans, selection)
    return Stats(since, until, step, total, pairs, more_pairs, _countries(connection, spans, selection), series)


def _spans(since: int, until: int, widths: Sequence[int]) -> Iterator[_Span]:
    """Cover a time range with the widest buckets that fit, in order: days, with hours and minutes at both ends."""
    if since >= until:
        return
    *narrower, width = widths
    first, last = -(-since // width) * width, until // width * width
    if first < last:
        yield from _spans(since, first, narrower)
        yield _Span(width, first, last)
        yield from _spans(last, until, narrower)
    else:
        yield from _spans(since, until, narrower)


def _series(connection: Connection, span: _Span, selection: _Selection) -> list[Step]:
    """Return each bucket of the span, oldest first."""
    columns = _counts + (_money if selection.currency_from else ())
    statement = select(_columns.start, *columns).where(*_conditions(span, selection)).order_by(_columns.start)
    return [
        Step(start, Count(messages, flagged), Money(*map(Decimal, money)) if money else None)
        for start, messages, flagged, *money in connection.execute(statement)
    ]


def _add_minute(series: list[Step], newest: Sequence[Step], width: int) -> list[Step]:
    """Add the newest minute, if the selection has events in it, to the last step of a series of hours or days."""
    for minute in newest:
        start = minute.start // width * width
        if series and series[-1].start == start:
            series[-1] = _sum(series[-1], minute)
        else:
            series.append(minute._replace(start=start))
    return series


def _sum(step: Step, later: Step) -> Step:
    total = Count(*map(sum, zip(step.total, later.total, strict=True)))
    money = _merge(*zip(step.money, later.money, strict=True)) if step.money and later.money else None
    return Step(step.start, total, money)


def _merge(*fields: Sequence[Decimal]) -> Money:
    """Merge amounts and rates, given the values of each field of Money in order of time."""
    sold, bought, opens, highs, lows, closes = fields
    with localcontext(CONTEXT):
        return Money(sum(sold, Decimal(0)), sum(bought, Decimal(0)), opens[0], max(highs), min(lows), closes[-1])


def _pairs(
    connection: Connection, spans: Iterable[_Span], selection: _Selection
) -> tuple[list[tuple[str, str, Count, Money]], int]:
    """Return the pairs with the most messages, most first, and the number of further pairs."""
    pair = (_columns.currency_from, _columns.currency_to)
    statement = select(*pair, *_pair_totals).group_by(*pair)
    rows: dict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for span in spans:
        for row in connection.execute(statement.where(*_conditions(span, selection, by="pair"))):
            rows[row[0], row[1]].append(row)
    busiest = nsmallest(PAIRS_MAX, rows, key=lambda pair: (-sum(row[2] for row in rows[pair]), pair))
    return [_pair(rows[pair]) for pair in busiest], len(rows) - len(busiest)


def _pair(rows: Sequence[Sequence[Any]]) -> tuple[str, str, Count, Money]:
    """Add up the rows of one pair, one for each span, in order of time."""
    froms, tos, messages, flagged, *amounts, opened, closed = zip(*rows, strict=True)
    sold, bought, high, low = (list(map(Decimal, " ".join(texts).split())) for texts in amounts)
    opens, closes = ([Decimal(text.split()[1]) for text in dated] for dated in (opened, closed))
    return froms[0], tos[0], Count(sum(messages), sum(flagged)), _merge(sold, bought, opens, high, low, closes)


def _countries(connection: Connection, spans: Iterable[_Span], selection: _Selection) -> list[tuple[str, Count]]:
    """Return the counts of each country, most messages first."""
    messages: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    statement = select(_columns.country, *map(_total, _counts)).group_by(_columns.country)
    for span in spans:
        for row in connection.execute(statement.where(*_conditions(span, selection, by="country"))):
            messages[row[0]] += row[1]
            flagged[row[0]] += row[2]
    countries = [(country, Count(count, flagged[country])) for country, count in messages.items()]
    return sorted(countries, key=lambda country: (-country[1].messages, country[0]))


def _conditions(
    span: _Span, selection: _Selection, by: Literal["pair", "country"] | None = None
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions for a selection's buckets, in total or by pair or country, so that no others are read."""
    of_pair = by == "pair" or selection.currency_from != ""
    of_country = by == "country" or selection.country != ""
    yield _columns.width == span.width
    if by == "pair" and selection.country and not selection.currency_from:
        # The kind `both`, in the same words as the index. With the column `kind`, SQLite would prefer the primary key.
        yield _columns.country != _EMPTY
        yield _columns.currency_from != _EMPTY
        yield from _starts_in(_columns.start, span)
    else:
        # In the primary key, the time comes before the pair, so the buckets of one pair are scattered among all others.
        # The buckets of kind `all` are adjacent, and their starts lead to the buckets of the pair.
        yield _columns.kind == _kind(of_pair=of_pair, of_country=of_country)
        yield _columns.start.in_(
            select(_overall.start).where(
                _overall.kind == "all", _overall.width == span.width, *_starts_in(_overall.start, span)
            )
        )
    if selection.currency_from or not of_pair:
        yield _columns.currency_from == selection.currency_from
        yield _columns.currency_to == selection.currency_to
    if selection.country or not of_country:
        yield _columns.country == selection.country


def _starts_in(start: ColumnElement[int], span: _Span) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return start >= span.since, start < span.until


def _kind(*, of_pair: bool, of_country: bool) -> str:
    if of_pair:
        return "both" if of_country else "pair"
    return "country" if of_country else "all"
