"""The store's side of the ledger: what each stack has brought, counted in the transaction that brought it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy.dialects import postgresql, sqlite

from tradewire.store.schema import counters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

ARCHIVED_THROUGH: Final = "archived_through"
"""When the event that was archived last was received: all that was put before it is archived, too."""


FINAL_KINDS: Final = frozenset({"shown", "expired", "discarded"})
"""The receipts of a message that has left its tube for good. DeadLetter, it still waits for an operator."""


def count_name(tube: str, kind: str) -> str:
    """Name the count of messages that have left a tube in one way; each is counted once, by its first."""
    return f"{tube}_{kind}"


def add(connection: Connection, stack: str, counts: Mapping[str, int]) -> None:
    """Add to counts."""
    rows = [{"stack": stack, "name": name, "value": count} for name, count in counts.items() if count]
    if rows:
        new = _insert(connection)
        connection.execute(_set(new, counters.c.value + new.excluded.value), rows)


def set_archived_through(connection: Connection, stack: str, received_at: int) -> None:
    """Note how far the archive is, in microseconds since 1970."""
    new = _insert(connection)
    connection.execute(
        _set(new, new.excluded.value), [{"stack": stack, "name": ARCHIVED_THROUGH, "value": received_at}]
    )


def _insert(connection: Connection) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(counters) if connection.dialect.name == "sqlite" else postgresql.insert(counters)


def _set(new: sqlite.Insert | postgresql.Insert, value: ColumnElement[int]) -> sqlite.Insert | postgresql.Insert:
    return new.on_conflict_do_update(index_elements=["stack", "name"], set_={"value": value})
