"""The statistics' way into the database.

What is counted goes into the buckets of its minute, and into those of its hour and day as soon as there is a newer
minute: an hour and a day hold nothing of the newest minute that there is. Most of what comes is so written into one
width of buckets, not into three.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from tradewire.store import exact
from tradewire.store.buckets import MINUTE, WIDTHS, Bucket, Counts, Money, Rate, minutes, rows, wider
from tradewire.store.bulk import Bulk
from tradewire.store.ids import encode_id
from tradewire.store.schema import stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection, Engine

    from tradewire.store.buckets import Part
    from tradewire.store.rows import EventRow

_KEY: Final = ("kind", "width", "start", "currency_from", "currency_to", "country")
_KINDS: Final = ("all", "both", "country", "pair")
_BUCKET: Final = [stats.c[name] for name in Bucket._fields]
_HELD: Final = list(stats.c)[len(_KEY) :]


class Statistics:
    """What counts events in the database, used by the one who holds the writers' lock."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect.name
        self._table = Bulk(_upsert(self._dialect), engine)

    def add(self, connection: Connection, events: Iterable[EventRow]) -> None:
        """Count events, each of which is new to the archive."""
        with localcontext(exact.CONTEXT):
            fresh = minutes(events)
            before = newest_minute(connection)
            newest = max(bucket.start for bucket in fresh)
            over = [(bucket, part) for bucket, part in fresh.items() if bucket.start < max(newest, before or newest)]
            if before is not None and before < newest:
                over += self._held(connection, before)
            found = [*rows(fresh, MINUTE)]
            for width in WIDTHS[1:]:
                found += rows(wider(over, width), width)
        self._table.execute(connection, found)

    def _held(self, connection: Connection, minute: int) -> Iterator[tuple[Bucket, Part]]:
        """Give what the buckets of a minute hold by now."""
        its = (stats.c.kind.in_(_KINDS), stats.c.width == MINUTE, stats.c.start == minute)
        for row in connection.execute(select(*_BUCKET, *_HELD).where(*its)):
            bucket, part = Bucket(*row[: len(_BUCKET)]), row[len(_BUCKET) :]
            yield bucket, Counts(*part[:2]) if part[2] is None else self._money(*part)

    def _money(self, *columns: Any) -> Money:
        count, flagged, sold, bought, opened, open_at, open_id, high, low, closed, close_at, close_id = columns
        return Money(
            count,
            flagged,
            Decimal(sold),
            Decimal(bought),
            _rate(opened),
            open_at,
            encode_id(open_id, self._dialect),
            _rate(high),
            _rate(low),
            _rate(closed),
            close_at,
            encode_id(close_id, self._dialect),
        )


def newest_minute(connection: Connection) -> int | None:
    """Give the start of the newest minute that anything was received in, in seconds since 1970."""
    everyone = select(func.max(stats.c.start)).where(stats.c.kind == "all", stats.c.width == MINUTE)
    return connection.execute(everyone).scalar()


def _rate(kept: str | Decimal) -> Rate:
    number = Decimal(kept)
    return Rate(number, format(number, "f"))


def _upsert(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Give the statement that merges rows with those that are there."""
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
