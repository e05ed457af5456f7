"""The store's side of the ledger: counters for each stack, updated in the transaction that saves the counted rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from tradewire.store.schema import counters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

ARCHIVED: Final = "archived"
"""Name of the counter of saved events."""
DUPLICATES: Final = "duplicates"
"""Name of the counter of retries under an Idempotency-Key."""
OUTDATED: Final = "outdated"
"""Name of the counter of events that were refused, because retention has deleted those of their time."""

_PASSED: Final = "passed"
"""The name of the counter with the last slot of an ingest process that has passed a tube begins with this."""

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


def archived(connection: Connection) -> int:
    """Return how many events all stacks have saved. Those that were deleted since are among them.

    Args:
        connection: A connection in a transaction.
    """
    saved = select(func.coalesce(func.sum(counters.c.value), 0)).where(counters.c.name == ARCHIVED)
    return int(connection.execute(saved).scalar_one())


def set_passed(connection: Connection, stack: str, tube: str, slots: Mapping[int, int]) -> None:
    """Record that a mark has left a tube.

    Args:
        connection: Its transaction must also save the receipts that were put before the mark's.
        stack: The id of the stack.
        tube: The tube.
        slots: By ingest process, the number of the last slot that the mark is about.
    """
    rows = [
        {"stack": stack, "name": f"{_PASSED}:{tube}:{process}", "value": number} for process, number in slots.items()
    ]
    if rows:
        statement = _insert(connection)
        newer = statement.excluded.value
        later = case((newer > counters.c.value, newer), else_=counters.c.value)
        connection.execute(_on_conflict(statement, later), rows)


def passed(values: Mapping[str, int], tube: str) -> dict[int, int]:
    """Return by ingest process the number of the last slot that has passed a tube.

    Args:
        values: The counters of the stack, by name.
        tube: The tube.
    """
    start = f"{_PASSED}:{tube}:"
    return {int(name.removeprefix(start)): value for name, value in values.items() if name.startswith(start)}


def _insert(connection: Connection) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(counters) if connection.dialect.name == "sqlite" else postgresql.insert(counters)


def _on_conflict(
    statement: sqlite.Insert | postgresql.Insert, value: ColumnElement[int]
) -> sqlite.Insert | postgresql.Insert:
    """Make the statement set an existing counter to a value."""
    return statement.on_conflict_do_update(index_elements=["stack", "name"], set_={"value": value})
