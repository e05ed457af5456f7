"""Adds events to the statistics in the database.

A bucket holds the sums of one minute, hour or day. An event is added to the buckets of its minute. Once there is a
newer minute, the minute's buckets are added to those of its hour and day. So hours and days never include the newest
minute, and most events change buckets of one width, not of three.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from tradewire.store import exact
from tradewire.store.buckets import (
    MINUTE,
    WIDTHS,
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

    from sqlalchemy import Connection, Engine

    from tradewire.store.buckets import Content
    from tradewire.store.rows import EventRow

_KEY: Final = ("kind", "width", "start", "currency_from", "currency_to", "country")
_KINDS: Final = ("all", "both", "country", "pair")
_BUCKET_COLUMNS: Final = [stats.c[name] for name in Bucket._fields]
_CONTENT_COLUMNS: Final = list(stats.c)[len(_KEY) :]


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
            newest = max(bucket.start for bucket in new)
            newest_overall = max(newest, previous or newest)
            # Minutes before the newest one are complete: their buckets are added to hours and days.
            complete_minutes = [(bucket, content) for bucket, content in new.items() if bucket.start < newest_overall]
            if previous is not None and previous < newest:
                complete_minutes += self._stored(connection, previous)
            rows = [*to_rows(new, MINUTE)]
            for width in WIDTHS[1:]:
                rows += to_rows(widen(complete_minutes, width), width)
        self._upsert.execute(connection, rows)

    def _stored(self, connection: Connection, minute: int) -> Iterator[tuple[Bucket, Content]]:
        """Yield the stored buckets of a minute."""
        conditions = (stats.c.kind.in_(_KINDS), stats.c.width == MINUTE, stats.c.start == minute)
        for row in connection.execute(select(*_BUCKET_COLUMNS, *_CONTENT_COLUMNS).where(*conditions)):
            bucket, content = Bucket(*row[: len(_BUCKET_COLUMNS)]), row[len(_BUCKET_COLUMNS) :]
            yield bucket, Count(*content[:2]) if content[2] is None else self._pair_content(*content)

    def _pair_content(self, *columns: Any) -> PairContent:
        messages, flagged, sold, bought, opened, open_at, open_id, high, low, closed, close_at, close_id = columns
        first = DatedRate(open_at, encode_id(open_id, self._dialect), _rate(opened))
        last = DatedRate(close_at, encode_id(close_id, self._dialect), _rate(closed))
        return PairContent(messages, flagged, Decimal(sold), Decimal(bought), first, _rate(high), _rate(low), last)


def newest_minute(connection: Connection) -> int | None:
    """Return the start of the newest minute that has events, in seconds since 1970. None if there are no events."""
    query = select(func.max(stats.c.start)).where(stats.c.kind == "all", stats.c.width == MINUTE)
    return connection.execute(query).scalar()


def _rate(stored: str | Decimal) -> Rate:
    number = Decimal(stored)
    return Rate(number, format(number, "f"))


def _upsert(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that merges new buckets with the stored ones."""
    insert = sqlite.insert(stats) if dialect == "sqlite" else postgresql.insert(stats)
    add = func.exact_sum if dialect == "sqlite" else func.numeric_add
    old, new = stats.c, insert.excluded
    is_higher = exact.comparable(new.high, dialect) > exact.comparable(old.high, dialect)
    is_lower = exact.comparable(new.low, dialect) < exact.comparable(old.low, dialect)
    is_first = tuple_(new.open_at, new.open_id) < tuple_(old.open_at, old.open_id)
    is_last = tuple_(new.close_at, new.close_id) > tuple_(old.close_at, old.close_id)
    return insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "count": old["count"] + new["count"],
            "flagged": old.flagged + new.flagged,
            "sold": add(old.sold, new.sold),
            "bought": add(old.bought, new.bought),
            "high": case((is_higher, new.high), else_=old.high),
            "low": case((is_lower, new.low), else_=old.low),
            **{name: case((is_first, new[name]), else_=old[name]) for name in ("open", "open_at", "open_id")},
            **{name: case((is_last, new[name]), else_=old[name]) for name in ("close", "close_at", "close_id")},
        },
    )
