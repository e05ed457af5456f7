"""The store's side of the ledger: counters for each stack, updated in the transaction that saves the counted rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy.dialects import postgresql, sqlite

from tradewire.store.schema import counters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

ARCHIVED_THROUGH: Final = "archived_through"
"""Name of the counter that holds when the last archived event was received. Events put before it are archived, too."""

ARCHIVED: Final = "archived"
"""Name of the counter of saved events."""

FINAL_KINDS: Final = frozenset({"shown", "delivered", "expired", "discarded"})
"""Kinds of receipts that mean that an event has left its tube for good. A dead letter still waits for an operator."""


def count_name(tube: str, kind: str) -> str:
    """Return the name of the counter of events that left a tube with a final receipt of this kind.

    An event that has several final receipts in one tube is counted once, for the first of them. The archive leaves no
    receipt for an event that it saves, but counts it as `archived`.
    """
    return ARCHIVED if kind == ARCHIVED else f"{tube}_{kind}"


def add(connection: Connection, stack: str, counts: Mapping[str, int]) -> None:
    """Add to counters.

    Args:
        connection: Its transaction must also save the counted rows.
        stack: The id of the stack that the events come from.
        counts: The increment for each counter, by name.
    """
    rows = [{"stack": stack, "name": name, "value": count} for name, count in counts.items() if count]
    if rows:
        statement = _insert(connection)
        connection.execute(_on_conflict(statement, counters.c.value + statement.excluded.value), rows)


def set_archived_through(connection: Connection, stack: str, received_at: int) -> None:
    """Record how far the archive has come.

    Args:
        connection: Its transaction must also save the event.
        stack: The id of the stack that the event comes from.
        received_at: When the last event of the batch was received, in microseconds since 1970, UTC.
    """
    statement = _insert(connection)
    row = {"stack": stack, "name": ARCHIVED_THROUGH, "value": received_at}
    connection.execute(_on_conflict(statement, statement.excluded.value), [row])


def _insert(connection: Connection) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(counters) if connection.dialect.name == "sqlite" else postgresql.insert(counters)


def _on_conflict(
    statement: sqlite.Insert | postgresql.Insert, value: ColumnElement[int]
) -> sqlite.Insert | postgresql.Insert:
    """Make the statement set an existing counter to a value."""
    return statement.on_conflict_do_update(index_elements=["stack", "name"], set_={"value": value})
