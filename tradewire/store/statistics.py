"""Adds events to the statistics in the database.

A bucket holds the sums of one minute, one hour, one day or four weeks. An event is added to the buckets of its minute.
Once there is a newer minute, the minute's buckets are added to those of its hour and day. Once there is a newer day,
the day's buckets are added to those of its four weeks. So hours and days never include the newest minute, and four
weeks never include the newest day. Most events change buckets of one width, not of four.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from tradewire.store import exact
from tradewire.store.buckets import (
    DAY,
    FOUR_WEEKS,
    HOUR,
    MINUTE,
    Bucket,
    DatedRate,
    PairContent,
    Rate,
    minute_buckets,
    to_rows,
    widen,
)
from tradewire.store.bulk import BulkInsert
from tradewire.store.ids import encode_id
from tradewire.store.schema import stats
from tradewire.store.views import Count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection, Engine
    from sqlalchemy.sql.base import ReadOnlyColumnCollection
    from sqlalchemy.sql.elements import KeyedColumnElement

    from tradewire.store.buckets import Content
    from tradewire.store.rows import EventRow

_KEY: Final = ("kind", "width", "start", "currency_from", "currency_to", "country")
KINDS: Final = ("all", "both", "country", "pair")
_BUCKET_COLUMNS: Final = [stats.c[name] for name in Bucket._fields]
_CONTENT: Final = list(stats.c.keys())[len(_KEY) :]
_LEFT_OUT: Final = {"high": "open", "low": "open", "close": "open", "close_at": "open_at", "close_id": "open_id"}
"""The columns that a bucket with one message leaves out, and those with the same value."""


def content(columns: ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]) -> dict[str, ColumnElement[Any]]:
    """Return the content of a bucket by name, whether its row has all columns or leaves out what one message repeats.

    Args:
        columns: The columns of `stats`, or those of an alias.
    """
    return {
        name: func.coalesce(columns[name], columns[_LEFT_OUT[name]]) if name in _LEFT_OUT else columns[name]
        for name in _CONTENT
    }


class Statistics:
    """Updates the statistics. The caller must hold the store's writer lock.

    Args:
        engine: The writer's engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect.name
        self._upsert = BulkInsert(_upsert(self._dialect), engine)

    def add(self, connection: Connection, events: Iterable[EventRow]) -> None:
        """Add events to the statistics.

        Args:
            connection: A connection in the transaction that also saves the events.
            events: At least one event. None of them may be in the statistics already.
        """
        with localcontext(exact.CONTEXT):
            new = minute_buckets(events)
            previous = newest_minute(connection)
            newest = max(*(bucket.start for bucket in new), previous or 0)
            # Minutes before the newest one are complete: their buckets are added to hours and days.
            minutes = [(bucket, content) for bucket, content in new.items() if bucket.start < newest]
            if previous is not None and previous < newest:
                minutes += self._stored(connection, MINUTE, previous)
            # Days before the newest one are complete, and the stored ones lack the minutes that are added to them now.
            today = day_of(newest)
            days = [(bucket, content) for bucket, content in minutes if bucket.start < today]
            if previous is not None and day_of(previous) < today:
                days += self._stored(connection, DAY, day_of(previous))
            rows = [*to_rows(new, MINUTE)]
            for width, complete in ((HOUR, minutes), (DAY, minutes), (FOUR_WEEKS, days)):
                rows += to_rows(widen(complete, width), width)
        self._upsert.execute(connection, rows)

    def add_four_weeks(self, connection: Connection) -> None:
        """Add up the days before the newest one, in an archive without buckets of four weeks.

        Args:
            connection: A connection in a transaction.
        """
        newest = newest_minute(connection) or 0
        days = (stats.c.kind == "all", stats.c.width == DAY)
        oldest = connection.execute(select(func.min(stats.c.start)).where(*days)).scalar() or newest
        for start in range(oldest // FOUR_WEEKS * FOUR_WEEKS, newest, FOUR_WEEKS):
            end = min(start + FOUR_WEEKS, day_of(newest))
            with localcontext(exact.CONTEXT):
                stored = (each for day in range(start, end, DAY) for each in self._stored(connection, DAY, day))
                rows = [*to_rows(widen(stored, FOUR_WEEKS), FOUR_WEEKS)]
            self._upsert.execute(connection, rows)

    def _stored(self, connection: Connection, width: int, start: int) -> Iterator[tuple[Bucket, Content]]:
        """Yield the stored buckets of one minute or day."""
        conditions = (stats.c.kind.in_(KINDS), stats.c.width == width, stats.c.start == start)
        for row in connection.execute(select(*_BUCKET_COLUMNS, *content(stats.c).values()).where(*conditions)):
            bucket, values = Bucket(*row[: len(_BUCKET_COLUMNS)]), row[len(_BUCKET_COLUMNS) :]
            yield bucket, Count(*values[:2]) if values[2] is None else self._pair_content(*values)

    def _pair_content(self, *columns: Any) -> PairContent:
        messages, flagged, sold, bought, opened, open_at, open_id, high, low, closed, close_at, close_id = columns
        first = DatedRate(open_at, encode_id(open_id, self._dialect), _rate(opened))
        last = DatedRate(close_at, encode_id(close_id, self._dialect), _rate(closed))
        return PairContent(messages, flagged, Decimal(sold), Decimal(bought), first, _rate(high), _rate(low), last)


def day_of(minute: int) -> int:
    """Return the start of a minute's day. Both are in seconds since 1970."""
    return minute // DAY * DAY


def newest_minute(connection: Connection) -> int | None:
    """Return the start of the newest minute that has events, in seconds since 1970. None if there are no events."""
    query = select(func.max(stats.c.start)).where(stats.c.kind == "all", stats.c.width == MINUTE)
    return connection.execute(query).scalar()


def oldest_start(connection: Connection) -> int | None:
    """Return the start of the oldest minute that has events, in seconds since 1970. None if there are no events.

    Where statistics are kept by the hour only, it is the start of the oldest hour.
    """
    starts = []
    for width in (MINUTE, HOUR):
        query = select(func.min(stats.c.start)).where(stats.c.kind == "all", stats.c.width == width)
        starts.append(connection.execute(query).scalar())
    minute, hour = starts
    return hour if minute is not None and hour is not None and hour + HOUR <= minute else minute


def _rate(stored: str | Decimal) -> Rate:
    number = Decimal(stored)
    return Rate(number, format(number, "f"))


def _upsert(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that merges new buckets with the stored ones."""
    insert = sqlite.insert(stats) if dialect == "sqlite" else postgresql.insert(stats)
    add = func.exact_sum if dialect == "sqlite" else func.numeric_add
    old, new = content(stats.c), content(insert.excluded)
    is_higher = exact.comparable(new["high"], dialect) > exact.comparable(old["high"], dialect)
    is_lower = exact.comparable(new["low"], dialect) < exact.comparable(old["low"], dialect)
    is_first = tuple_(new["open_at"], new["open_id"]) < tuple_(old["open_at"], old["open_id"])
    is_last = tuple_(new["close_at"], new["close_id"]) > tuple_(old["close_at"], old["close_id"])
    return insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "count": old["count"] + new["count"],
            "flagged": old["flagged"] + new["flagged"],
            "sold": add(old["sold"], new["sold"]),
            "bought": add(old["bought"], new["bought"]),
            "high": case((is_higher, new["high"]), else_=old["high"]),
            "low": case((is_lower, new["low"]), else_=old["low"]),
            **{name: case((is_first, new[name]), else_=old[name]) for name in ("open", "open_at", "open_id")},
            **{name: case((is_last, new[name]), else_=old[name]) for name in ("close", "close_at", "close_id")},
        },
    )
