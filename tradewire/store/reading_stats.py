"""How statistics of any stretch of time are put together from few buckets.

Hours and days hold nothing of the newest minute there is; where they cover it, it is added.
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
"""Of the tens of thousands that there can be; adding up the amounts of one takes longer than all else about it."""
STEPS_MAX: Final = 1_500
"""In a series: a day and an hour of minutes, two months of hours."""

_all: Final = buckets.alias("everyones").c
_found: Final = buckets.c
_NONE: Final[ColumnElement[str]] = literal_column("''")
_counts: Final = (_found["count"], _found.flagged)
_money: Final = (_found.sold, _found.bought, _found.open, _found.high, _found.low, _found.close)


def _total(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)


def _each(amount: ColumnElement[Any]) -> ColumnElement[str]:
    """Give the amounts of a group as one text: a row of its own for each would take longer than all the sums."""
    return func.aggregate_strings(cast(amount, Text), " ")


def _dated(moment: ColumnElement[Any], rate: ColumnElement[Any]) -> ColumnElement[str]:
    """Give a text that is in order of time, and ends in the rate; moments have had 16 digits since 2001."""
    return cast(moment, Text).concat(" ").concat(cast(rate, Text))


_pair_totals: Final = (
    *map(_total, _counts),
    *map(_each, (_found.sold, _found.bought, _found.high, _found.low)),
    func.min(_dated(_found.open_at, _found.open)),
    func.max(_dated(_found.close_at, _found.close)),
)


class _Stretch(NamedTuple):
    """Neighbouring buckets of one width; `since` and `until` in seconds since 1970, whole widths."""

    width: int
    since: int
    until: int


class _Asked(NamedTuple):
    """Whose statistics are asked for; empty for everyone's, as in the table."""

    currency_from: str
    currency_to: str
    country: str


def stats(connection: Connection, since: int, until: int, pair: tuple[str, str] | None, country: str | None) -> Stats:
    """Give the statistics; see StoreReader.stats."""
    step = next((width for width in WIDTHS if until - since <= STEPS_MAX * width), WIDTHS[-1])
    since, until = since // step * step, -(-until // step) * step
    asked = _Asked(*(pair or ("", "")), country or "")
    newest = newest_minute(connection)
    # Where nothing came later, the day that is not over yet holds no more than what is asked for.
    to_the_end = until if newest is not None and newest >= until else -(-until // WIDTHS[-1]) * WIDTHS[-1]
    stretches = list(_stretches(since, to_the_end, WIDTHS))
    series = _series(connection, _Stretch(step, since, until), asked)
    if newest is not None and since <= newest < until:
        its = _Stretch(MINUTE, newest, newest + MINUTE)
        if step > MINUTE:
            series = _with(series, _series(connection, its, asked), step)
        if not any(stretch.width == MINUTE and stretch.since <= newest < stretch.until for stretch in stretches):
            stretches.append(its)
    total = Count(sum(one.total.messages for one in series), sum(one.total.flagged for one in series))
    pairs, more_pairs = _pairs(connection, stretches, asked)
    return Stats(since, until, step, total, pairs, more_pairs, _countries(connection, stretches, asked), series)


def _stretches(since: int, until: int, widths: Sequence[int]) -> Iterator[_Stretch]:
    """Cover a time with buckets as wide as they fit, in order of time: days, at their ends hours, then minutes."""
    if since >= until:
        return
    *narrower, width = widths
    first, last = -(-since // width) * width, until // width * width
    if first < last:
        yield from _stretches(since, first, narrower)
        yield _Stretch(width, first, last)
        yield from _stretches(last, until, narrower)
    else:
        yield from _stretches(since, until, narrower)


def _series(connection: Connection, stretch: _Stretch, asked: _Asked) -> list[Step]:
    """Give each bucket of the stretch, oldest first."""
    columns = _counts + (_money if asked.currency_from else ())
    statement = select(_found.start, *columns).where(*_are(stretch, asked)).order_by(_found.start)
    return [
        Step(start, Count(messages, flagged), Money(*map(Decimal, money)) if money else None)
        for start, messages, flagged, *money in connection.execute(statement)
    ]


def _with(series: list[Step], newest: Sequence[Step], width: int) -> list[Step]:
    """Add what the newest minute has, if anything, which no hour or day holds: it is in the last step."""
    for minute in newest:
        start = minute.start // width * width
        if series and series[-1].start == start:
            series[-1] = _sum(series[-1], minute)
        else:
            series.append(minute._replace(start=start))
    return series


def _sum(step: Step, later: Step) -> Step:
    total = Count(*map(sum, zip(step.total, later.total, strict=True)))
    if not step.money or not later.money:
        return Step(step.start, total, None)
    with localcontext(CONTEXT):
        money = Money(
            step.money.sold + later.money.sold,
            step.money.bought + later.money.bought,
            step.money.open,
            max(step.money.high, later.money.high),
            min(step.money.low, later.money.low),
            later.money.close,
        )
    return Step(step.start, total, money)


def _pairs(
    connection: Connection, stretches: Iterable[_Stretch], asked: _Asked
) -> tuple[list[tuple[str, str, Count, Money]], int]:
    """Give what each of the busiest pairs did, most first, and how many more pairs there are."""
    pair = (_found.currency_from, _found.currency_to)
    statement = select(*pair, *_pair_totals).group_by(*pair)
    found: dict[tuple[str, str], list[Sequence[Any]]] = defaultdict(list)
    for stretch in stretches:
        for row in connection.execute(statement.where(*_are(stretch, asked, by="pair"))):
            found[row[0], row[1]].append(row)
    busiest = nsmallest(PAIRS_MAX, found, key=lambda pair: (-sum(row[2] for row in found[pair]), pair))
    return [_pair(found[pair]) for pair in busiest], len(found) - len(busiest)


def _pair(rows: Sequence[Sequence[Any]]) -> tuple[str, str, Count, Money]:
    """Add up what one pair did in each stretch, in order of time."""
    froms, tos, messages, flagged, *amounts, opened, closed = zip(*rows, strict=True)
    sold, bought, high, low = (list(map(Decimal, " ".join(texts).split())) for texts in amounts)
    with localcontext(CONTEXT):
        money = Money(
            sum(sold, Decimal(0)),
            sum(bought, Decimal(0)),
            Decimal(opened[0].split()[1]),
            max(high),
            min(low),
            Decimal(closed[-1].split()[1]),
        )
    return froms[0], tos[0], Count(sum(messages), sum(flagged)), money


def _countries(connection: Connection, stretches: Iterable[_Stretch], asked: _Asked) -> list[tuple[str, Count]]:
    """Give how much came from each country, most first."""
    messages: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    statement = select(_found.country, *map(_total, _counts)).group_by(_found.country)
    for stretch in stretches:
        for row in connection.execute(statement.where(*_are(stretch, asked, by="country"))):
            messages[row[0]] += row[1]
            flagged[row[0]] += row[2]
    countries = [(country, Count(count, flagged[country])) for country, count in messages.items()]
    return sorted(countries, key=lambda one: (-one[1].messages, one[0]))


def _are(
    stretch: _Stretch, asked: _Asked, by: Literal["pair", "country"] | None = None
) -> Iterator[ColumnElement[bool]]:
    """Find the buckets of what is asked for, altogether or by pair or country; no other is looked at."""
    of_pair = by == "pair" or asked.currency_from != ""
    of_country = by == "country" or asked.country != ""
    yield _found.width == stretch.width
    if by == "pair" and asked.country and not asked.currency_from:
        # What is of both, said as the index says it: SQLite would prefer the table's key to it if it could.
        yield _found.country != _NONE
        yield _found.currency_from != _NONE
        yield from _lies_in(_found.start, stretch)
    else:
        # The table's key begins with time, so the buckets of one pair lie scattered among everyone else's. But the
        # starts of all that there are lie together, and lead to them.
        yield _found.kind == _kind(of_pair=of_pair, of_country=of_country)
        yield _found.start.in_(
            select(_all.start).where(_all.kind == "all", _all.width == stretch.width, *_lies_in(_all.start, stretch))
        )
    if asked.currency_from or not of_pair:
        yield _found.currency_from == asked.currency_from
        yield _found.currency_to == asked.currency_to
    if asked.country or not of_country:
        yield _found.country == asked.country


def _lies_in(start: ColumnElement[int], stretch: _Stretch) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return start >= stretch.since, start < stretch.until


def _kind(*, of_pair: bool, of_country: bool) -> str:
    if of_pair:
        return "both" if of_country else "pair"
    return "country" if of_country else "all"
