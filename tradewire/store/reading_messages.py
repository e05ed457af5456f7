"""Finds messages: one index gives the candidates, newest first, and the other conditions are checked on their rows.

The number of rows read for one page is bounded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text, cast, select

from tradewire.event import TradeEvent, format_time, from_microseconds
from tradewire.fields import OPTIONAL, REQUIRED
from tradewire.store.conditions import ID, NEWEST_FIRST, OLDEST_FIRST, between, conditions, next_position, nth, start
from tradewire.store.schema import events, outdated, receipts
from tradewire.store.views import OutdatedView, Page, Position, ReceiptView, Trace

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from tradewire.fields import Field
    from tradewire.store.views import Filter

ROWS_MAX: Final = 10_000
"""Rows read for one page. They take ten to twenty milliseconds."""
ENTRIES_MAX: Final = 100_000
"""Index entries read for one page, if the index alone tells which rows match. They take as long."""

_columns: Final = events.c
_REQUIRED_COUNT: Final = len(REQUIRED)


def _selected(field: Field) -> ColumnElement[Any]:
    column = _columns[field.name]
    # Amounts as text, since Python would write small numbers with an exponent.
    return cast(column, Text) if field.type.kind == "amount" else column


EVENT_COLUMNS: Final = (
    _columns.id,
    _columns.received_at,
    *map(_selected, REQUIRED),
    _columns.flags,
    *map(_selected, OPTIONAL),
)


def page(
    connection: Connection, filters: Filter, after: Position | None, limit: int, *, oldest_first: bool = False
) -> Page:
    """Return one page; see StoreReader.page."""
    indexed, in_index, others = conditions(filters, connection.dialect.name)
    lower, upper = start(filters.since), start(filters.until)
    if after and oldest_first:
        lower = max(next_position(after), lower or after)
    elif after:
        upper = min(after, upper or after)
    bound: Position | None = None
    if others or in_index:  # else every candidate matches
        rows_max = ROWS_MAX if others else ENTRIES_MAX
        bound = nth(connection, [*indexed, *between(lower, upper)], rows_max, oldest_first=oldest_first)
    if bound and oldest_first:
        upper = next_position(bound)
    elif bound:
        lower = bound
    statement = select(*EVENT_COLUMNS).where(*indexed, *between(lower, upper), *in_index, *others)
    ordered = statement.order_by(*(OLDEST_FIRST if oldest_first else NEWEST_FIRST))
    rows = connection.execute(ordered.limit(limit + 1)).all()
    if len(rows) > limit:
        return Page(to_events(rows[:limit]), Position(rows[limit - 1].received_at, rows[limit - 1].id))
    return Page(to_events(rows), bound)


def trace(connection: Connection, message_id: str) -> Trace | None:
    """Return a message's trace; see StoreReader.trace."""
    if not ID.fullmatch(message_id):
        return None
    row = connection.execute(
        select(*EVENT_COLUMNS, _columns.archived_at).where(_columns.id == message_id)
    ).one_or_none()
    receipt_rows = connection.execute(
        select(receipts.c.kind, receipts.c.tube, receipts.c.at, receipts.c.browsers, receipts.c.reason)
        .where(receipts.c.id == message_id)
        .order_by(receipts.c.at, receipts.c.tube, receipts.c.kind)
    ).all()
    gone = connection.execute(
        select(outdated.c.received_at, outdated.c.at, outdated.c.was_archived)
        .where(outdated.c.id == message_id)
        .order_by(outdated.c.at, outdated.c.received_at)
    ).all()
    if not row and not receipt_rows and not gone:
        return None
    message, archived_at = (to_events([row[:-1]])[0], row.archived_at) if row else (None, None)
    return Trace(
        message, archived_at, [ReceiptView(*each) for each in receipt_rows], [OutdatedView(*each) for each in gone]
    )


def to_events(rows: Any) -> list[TradeEvent]:
    """Make events of rows with the columns EVENT_COLUMNS."""
    required, optional = slice(_REQUIRED_COUNT), slice(_REQUIRED_COUNT + 1, None)
    return [
        TradeEvent(
            id_,
            _timestamp(received_at),
            *values[required],
            flags.split(",") if (flags := values[_REQUIRED_COUNT]) else [],
            *values[optional],
        )
        for id_, received_at, *values in rows
    ]


@lru_cache(maxsize=1024)  # messages posted together have the same time of receipt
def _timestamp(received_at: int) -> str:
    return format_time(from_microseconds(received_at))
