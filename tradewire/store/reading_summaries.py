"""Statistics of one user: from the summaries of busy users where there are any, else from the user's events.

A summary holds what a scan of one user's events in some time has found. It spares the next scan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from sqlalchemy import select, tuple_

from tradewire.store.reading_scan import Scanned, scan
from tradewire.store.schema import user_summaries
from tradewire.store.sums import Part
from tradewire.store.views import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

_columns: Final = user_summaries.c
_decoder: Final = msgspec.msgpack.Decoder(Part)


class _Range(NamedTuple):
    """The time of a summary, in microseconds since 1970."""

    since: int
    until: int
    """Not included."""


def serves(filters: Filter) -> bool:
    """Return whether a filter, apart from its time range, selects the events of a user and nothing else."""
    return filters.equal.keys() == {"user_id"} and filters._replace(equal={}, since=None, until=None) == Filter({})


def user_sums(connection: Connection, filters: Filter, since: int, until: int, step: int) -> Iterator[Scanned]:
    """Yield the sums of all parts of a time range, newest first.

    Args:
        connection: A connection.
        filters: A filter that summaries serve.
        since: Start of the range, in microseconds since 1970.
        until: End of the range.
        step: Length of a step of the series, in seconds.
    """
    user = filters.equal["user_id"]
    ranges = list(_ranges(connection, user, since, until))
    contents = _contents(connection, user, ranges)
    for each in reversed(ranges):
        if each.until < until:
            yield scan(connection, filters._replace(since=each.until, until=until), step)
        part = _decoder.decode(contents[each])
        yield Scanned(part._replace(series=[(start // step * step, sums) for start, sums in part.series]), None)
        until = each.since
    if since < until:
        yield scan(connection, filters._replace(since=since, until=until), step)


def _ranges(connection: Connection, user: str, since: int, until: int) -> Iterator[_Range]:
    """Yield the times of the widest summaries in a time range, one after the other."""
    statement = select(_columns.since, _columns.until).where(
        _columns.user_id == user, _columns.since >= since, _columns.until <= until
    )
    end = since
    for row in connection.execute(statement.order_by(_columns.since, _columns.until.desc())):
        each = _Range(*row)
        if each.since >= end:
            yield each
            end = each.until


def _contents(connection: Connection, user: str, ranges: Sequence[_Range]) -> dict[_Range, bytes]:
    statement = select(_columns.since, _columns.until, _columns.content).where(
        _columns.user_id == user, tuple_(_columns.since, _columns.until).in_(ranges)
    )
    return {_Range(since, until): content for since, until, content in connection.execute(statement)}
