"""The steps in which retention deletes. Each takes a few rows, in a transaction of its own.

The caller must hold the store's writer lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import case, delete, insert, select, tuple_, update

from tradewire.store.buckets import MINUTE, WIDTHS
from tradewire.store.conditions import OLDEST_FIRST, between, next_position
from tradewire.store.schema import (
    duplicates,
    events,
    outdated,
    outdated_summaries,
    receipts,
    retention,
    stats,
    user_summaries,
)
from tradewire.store.statistics import KINDS
from tradewire.store.views import Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Table

REDELIVERY_MICROSECONDS: Final = 3_600_000_000
"""A job whose events are archived may be delivered again for so long, at the most."""
REMEMBERED_MICROSECONDS: Final = 7 * 86_400_000_000
"""The table `outdated` remembers a message for so long."""
_VERSION: Final = 14
"""The place of the version in an id. An id made from an Idempotency-Key has the version 8."""
_ID_TIME_BIT: Final = 80
"""The time in an id begins above this bit, in milliseconds."""
_ID_MARGIN_MICROSECONDS: Final = 2_000_000
"""The time in an id may differ from the time of receipt by less than this."""
_BUCKET: Final = (stats.c.start, stats.c.currency_from, stats.c.currency_to, stats.c.country)
"""The rest of the key among the buckets of one kind and width."""


def delete_events(connection: Connection, before: int, rows: int, now: int) -> int:
    """Delete the oldest messages, and their receipts. Nothing older than they are will be added again.

    Args:
        connection: A connection in a transaction.
        before: Only messages received before this time are deleted, in microseconds since 1970.
        rows: The largest number of messages.
        now: The current time.

    Returns:
        How many messages were deleted. If fewer than `rows`, there are no others.
    """
    columns = (events.c.id, events.c.received_at, events.c.archived_at)
    older = events.c.received_at < before
    found = connection.execute(select(*columns).where(older).order_by(*OLDEST_FIRST).limit(rows)).all()
    end = before
    if len(found) == rows:
        last = found[-1]
        # Others may have been received in the same microsecond. They follow in the next step.
        end = last.received_at + 1
        chosen = [*between(None, next_position(Position(last.received_at, last.id)))]
    else:
        chosen = [older]
    if found:
        remembered = [
            {"id": row.id, "received_at": row.received_at, "at": now, "was_archived": True}
            for row in found
            if row.id[_VERSION] == "8" or row.archived_at > now - REDELIVERY_MICROSECONDS
        ]
        if remembered:
            connection.execute(insert(outdated), remembered)
        connection.execute(delete(receipts).where(receipts.c.id.in_(select(events.c.id).where(*chosen))))
        connection.execute(delete(events).where(*chosen))
    since = retention.c.kept_since
    connection.execute(
        update(retention).values(
            kept_since=case((since < end, end), else_=since), deleted=retention.c.deleted + len(found)
        )
    )
    return len(found)


def delete_duplicates(connection: Connection, before: int, rows: int) -> int:
    """Delete the oldest retries under an Idempotency-Key. Arguments and result are those of `delete_events`."""
    key = (duplicates.c.received_at, duplicates.c.id)
    return _delete_first(connection, duplicates, key, [duplicates.c.received_at < before], rows)


def forget(connection: Connection, before: int, rows: int) -> int:
    """Delete the oldest rows of the table `outdated`, and receipts that came late for their messages.

    Args:
        connection: A connection in a transaction.
        before: Only rows written before this time are deleted, in microseconds since 1970.
        rows: The largest number of rows.

    Returns:
        How many were deleted. If fewer than `rows`, there are no others.
    """
    key = (outdated.c.at, outdated.c.id, outdated.c.received_at)
    chosen = _first(connection, key, [outdated.c.at < before], rows)
    connection.execute(delete(receipts).where(receipts.c.id.in_(select(outdated.c.id).where(*chosen))))
    return connection.execute(delete(outdated).where(*chosen)).rowcount


def delete_late_receipts(connection: Connection, after: str, before: int, rows: int) -> str | None:
    """Delete receipts that came when their messages had been deleted. The time of such a message is in its id.

    Args:
        connection: A connection in a transaction.
        after: The id to begin after.
        before: Both the messages and the receipts are older than this, in microseconds since 1970.
        rows: The largest number of receipts to look at.

    Returns:
        The id to go on after. None at the end.
    """
    end = UUID(int=max(0, (before - _ID_MARGIN_MICROSECONDS) // 1000) << _ID_TIME_BIT)
    range_ = (receipts.c.id > after, receipts.c.id < str(end))
    found = connection.execute(
        select(receipts.c.id, receipts.c.at).where(*range_).order_by(receipts.c.id).limit(rows)
    ).all()
    late = [row.id for row in found if row.id[_VERSION] == "7" and row.at < before]
    if late:
        connection.execute(delete(receipts).where(receipts.c.id.in_(late), receipts.c.at < before))
    return found[-1].id if len(found) == rows else None


def delete_minutes(connection: Connection, before: int, rows: int) -> int:
    """Delete the oldest statistics by the minute.

    Args:
        connection: A connection in a transaction.
        before: Only statistics of the time before this are deleted, in seconds since 1970.
        rows: The largest number of rows.

    Returns:
        How many were deleted. If fewer than `rows`, there are no others.
    """
    return _delete_buckets(connection, [MINUTE], before, rows)


def delete_figures(connection: Connection, before: int, rows: int) -> int:
    """Delete the oldest statistics of every width. Arguments and result are those of `delete_minutes`."""
    return _delete_buckets(connection, WIDTHS, before, rows)


def delete_summaries(connection: Connection, before: int, rows: int) -> int:
    """Delete summaries of busy users that count deleted messages. Arguments and result are as in `delete_events`."""
    deleted = 0
    for table in (user_summaries, outdated_summaries):
        key = tuple(table.primary_key)
        chosen = connection.execute(select(*key).where(table.c.since < before).limit(rows - deleted)).all()
        if chosen:
            connection.execute(delete(table).where(tuple_(*key).in_([tuple(row) for row in chosen])))
            deleted += len(chosen)
    return deleted


def _delete_buckets(connection: Connection, widths: Sequence[int], before: int, rows: int) -> int:
    deleted = 0
    for width in widths:
        for kind in KINDS:
            conditions = [stats.c.kind == kind, stats.c.width == width, stats.c.start < before]
            deleted += _delete_first(connection, stats, _BUCKET, conditions, rows - deleted)
            if deleted == rows:
                return deleted
    return deleted


def _delete_first(
    connection: Connection,
    table: Table,
    key: tuple[ColumnElement[Any], ...],
    conditions: Sequence[ColumnElement[bool]],
    rows: int,
) -> int:
    """Delete the first rows that meet conditions, in the order of a key that is unique among them."""
    return connection.execute(delete(table).where(*_first(connection, key, conditions, rows))).rowcount


def _first(
    connection: Connection,
    key: tuple[ColumnElement[Any], ...],
    conditions: Sequence[ColumnElement[bool]],
    rows: int,
) -> list[ColumnElement[bool]]:
    """Return the conditions of the first rows, in the order of the key."""
    last = connection.execute(select(*key).where(*conditions).order_by(*key).offset(rows - 1).limit(1)).one_or_none()
    return [*conditions, tuple_(*key) <= tuple(last)] if last else [*conditions]
