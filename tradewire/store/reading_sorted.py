"""Finds messages in the order of a field, among a bounded number of the newest ones. No index has such an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, collate, or_, select, tuple_

from tradewire.fields import REQUIRED
from tradewire.store.conditions import NEWEST_FIRST, candidates, event_position
from tradewire.store.exact import comparable_columns, comparable_values
from tradewire.store.reading_messages import EVENT_COLUMNS, to_events
from tradewire.store.schema import events
from tradewire.store.views import Position, SortedPage, SortedPosition

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from tradewire.store.views import Filter, Sort

_AMOUNTS: Final = {field.name for field in REQUIRED if field.type.kind == "amount"}


def sorted_page(
    connection: Connection, filters: Filter, sort: Sort, after: SortedPosition | None, limit: int
) -> SortedPage:
    """Return one page; see StoreReader.sorted_page."""
    dialect = connection.dialect.name
    found, others, basis = candidates(connection, filters)
    keys = _keys(sort, dialect)
    statement = select(*EVENT_COLUMNS).where(*found, *others)
    if after:
        statement = statement.where(_is_behind(after, sort, keys, dialect))
    order = [key.desc() if sort.is_descending else key for key in keys]
    rows = connection.execute(statement.order_by(*order, *NEWEST_FIRST).limit(limit + 1)).all()
    messages = to_events(rows[:limit])
    if len(rows) <= limit:
        return SortedPage(messages, None, basis)
    last = Position(rows[limit - 1].received_at, rows[limit - 1].id)
    return SortedPage(messages, SortedPosition(getattr(messages[-1], sort.field), last), basis)


def _keys(sort: Sort, dialect: str) -> list[ColumnElement[Any]]:
    """Return the columns to sort by: amounts as numbers, texts by their bytes in UTF-8."""
    column = events.c[sort.field]
    if sort.field in _AMOUNTS:
        return comparable_columns(column, dialect)
    return [collate(column, "C") if dialect == "postgresql" else column]


def _is_behind(after: SortedPosition, sort: Sort, keys: list[ColumnElement[Any]], dialect: str) -> ColumnElement[bool]:
    """Return the condition for the messages behind a position."""
    values = comparable_values(after.value, dialect) if sort.field in _AMOUNTS else (after.value,)
    key, value = tuple_(*keys), tuple_(*values)
    is_beyond = key < value if sort.is_descending else key > value
    return or_(is_beyond, and_(key == value, event_position < after.position))
