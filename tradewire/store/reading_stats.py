"""Statistics of any time range and filter: from buckets or summaries where they suffice, else from the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradewire.store.buckets import DAY, HOUR, MINUTE
from tradewire.store.kept import kept
from tradewire.store.reading_rollups import rollups, selection
from tradewire.store.reading_scan import Scanned, scan
from tradewire.store.reading_summaries import serves, user_sums
from tradewire.store.statistics import newest_minute, oldest_start
from tradewire.store.sums import merge
from tradewire.store.views import Stats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tradewire.store.sums import Part
    from tradewire.store.views import Basis, Filter

STEPS_MAX: Final = 1_500
"""Steps of a series: 25 hours in minutes, or two months in hours."""
_SECOND: Final = 1_000_000
_MINUTE: Final = MINUTE * _SECOND


def step_seconds(since: int, until: int) -> int:
    """Return the length of a step of the series of a time range, in seconds.

    Args:
        since: Start of the range, or the first event if that is later, in microseconds since 1970.
        until: End of the range.
    """
    return next((width for width in (MINUTE, HOUR) if until - since <= STEPS_MAX * width * _SECOND), DAY)


def stats(connection: Connection, filters: Filter) -> Stats:
    """Return the statistics; see StoreReader.stats."""
    newest = newest_minute(connection) or 0
    still = kept(connection)
    since = filters.since or 0
    until = (newest + MINUTE) * _SECOND if filters.until is None else filters.until
    if selection(filters):
        kept_since = still.figures_since
        since, until = still.figures_range(since, until, newest)
    else:
        kept_since = still.since
        since = max(since, still.since)
        until = max(since, until)
    step = step_seconds(max(since, (oldest_start(connection) or 0) * _SECOND), until)
    if since < still.minutes_since(newest):
        step = max(step, HOUR)
    parts: list[Part] = []
    basis: Basis | None = None
    for part, read in _parts(connection, filters._replace(since=since, until=until), since, until, step, newest):
        if read:
            basis = read._replace(newest=read.newest + sum(each.messages for part in parts for _, each in part.series))
        parts.insert(0, part)
        if basis:
            break
    return Stats(since, until, kept_since, step, basis, *merge(parts))


def _parts(
    connection: Connection, filters: Filter, since: int, until: int, step: int, newest: int
) -> Iterator[Scanned]:
    """Yield the sums of all parts of a time range, newest first.

    Whole minutes are taken from buckets, if they serve the filter, and figures of a user from summaries. What is left
    is scanned.
    """
    if serves(filters):
        yield from user_sums(connection, filters, since, until, step)
        return
    selected = selection(filters)
    first, last = -(-since // _MINUTE) * _MINUTE, until // _MINUTE * _MINUTE
    if newest * _SECOND < last:  # no event is beyond the range
        last = -(-until // _MINUTE) * _MINUTE
    if selected is None or first > last:
        yield scan(connection, filters, step)
        return
    if last < until:
        yield scan(connection, filters._replace(since=last), step)
    yield Scanned(rollups(connection, selected, first // _SECOND, last // _SECOND, step, newest), None)
    if since < first:
        yield scan(connection, filters._replace(until=first), step)
