"""Adds up the statistics of events one by one, for filters and times that no bucket serves.

The number of events read is bounded: if there are more candidates, only the newest ones are read, and the result says
so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import Text, case, cast, func, literal_column, select, union_all

from tradewire.store.conditions import candidates
from tradewire.store.schema import events
from tradewire.store.sums import Part, Sums, dated, joined, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

    from tradewire.store.views import Basis, Filter

_columns: Final = events.c
_SECOND: Final = 1_000_000
_EMPTY: Final[ColumnElement[str]] = literal_column("''")
_NO_AMOUNTS: Final = (_EMPTY,) * 5


class Scanned(NamedTuple):
    """What a scan found."""

    part: Part
    basis: Basis | None
    """None if all events of the range were read."""


def scan(connection: Connection, filters: Filter, step: int) -> Scanned:
    """Add up the events that match a filter.

    Args:
        connection: A connection.
        filters: The filter. Its time range is the scan's.
        step: Length of a step of the series, in seconds.
    """
    found, others, basis = candidates(connection, filters)
    has_amounts = filters.equal.keys() >= {"currency_from", "currency_to"}
    return Scanned(_sums(connection, [*found, *others], step, has_amounts=has_amounts), basis)


def _sums(connection: Connection, matching: Sequence[ColumnElement[bool]], step: int, *, has_amounts: bool) -> Part:
    """Add up events by pair, by country and by step. Each event is read only once."""
    event_id = func.hex(_columns.id) if connection.dialect.name == "sqlite" else _columns.id
    matches = (
        select(
            (_columns.received_at // (step * _SECOND) * step).label("start"),
            _columns.currency_from,
            _columns.currency_to,
            _columns.originating_country.label("country"),
            case((_columns.flags != _EMPTY, 1), else_=0).label("flagged"),
            _columns.amount_sell,
            _columns.amount_buy,
            _columns.rate,
            dated(_columns.received_at, event_id, _columns.rate).label("dated"),
        )
        .where(*matching)
        .cte("matches")
        .prefix_with("MATERIALIZED")
    )
    row = matches.c
    counts = (func.count(), total(row.flagged))
    amounts = (*map(joined, (row.amount_sell, row.amount_buy, row.rate)), func.min(row.dated), func.max(row.dated))
    statement = union_all(
        select(row.currency_from, row.currency_to, *counts, *amounts).group_by(row.currency_from, row.currency_to),
        select(row.country, _EMPTY, *counts, *_NO_AMOUNTS).group_by(row.country),
        select(cast(row.start, Text), _EMPTY, *counts, *(amounts if has_amounts else _NO_AMOUNTS)).group_by(row.start),
    )
    part = Part([], [], [])
    for key, currency_to, messages, flagged, sold, bought, rates, opened, closed in connection.execute(statement):
        sums = Sums(messages, flagged, sold, bought, rates, rates, opened, closed)
        if currency_to:
            part.pairs.append((key, currency_to, sums))
        elif key.isdigit():
            part.series.append((int(key), sums))
        else:
            part.countries.append((key, sums))
    return part
