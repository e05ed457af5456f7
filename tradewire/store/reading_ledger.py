"""What the store knows of requests, for the ledger. A request is identified by its time of receipt."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, exists, func, select

from tradewire.store.ledger import FINAL_KINDS
from tradewire.store.schema import duplicates, events, receipts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Table

_PER_QUERY: Final = 2500
_SETTLED_KINDS: Final = sorted({*FINAL_KINDS, "dead-lettered"})


def archived(connection: Connection, received_at: Sequence[int]) -> Counter[int]:
    """Count the messages of requests that are archived.

    Args:
        connection: A transaction.
        received_at: The requests' times of receipt, in microseconds since 1970.

    Returns:
        The number of archived messages by time of receipt. A retry under an Idempotency-Key counts, too.
    """
    found: Counter[int] = Counter()
    for table in (events, duplicates):
        for times in _parts(received_at):
            statement = (
                select(table.c.received_at, func.count())
                .where(_is_among(connection, table, times))
                .group_by(table.c.received_at)
            )
            found.update(dict(connection.execute(statement).all()))
    return found


def unsettled(connection: Connection, received_at: Sequence[int], tube: str) -> Mapping[int, list[str]]:
    """Return the archived messages of requests that have no final receipt, and no dead letter, in a tube.

    Args:
        connection: A transaction.
        received_at: The requests' times of receipt, in microseconds since 1970.
        tube: The tube.

    Returns:
        The ids by time of receipt.
    """
    found: dict[int, list[str]] = defaultdict(list)
    is_settled = exists().where(
        receipts.c.id == events.c.id, receipts.c.tube == tube, receipts.c.kind.in_(_SETTLED_KINDS)
    )
    for times in _parts(received_at):
        statement = select(events.c.received_at, events.c.id).where(_is_among(connection, events, times), ~is_settled)
        for time, id_ in connection.execute(statement):
            found[time].append(id_)
    return found


def _parts(received_at: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(received_at), _PER_QUERY):
        yield received_at[start : start + _PER_QUERY]


def _is_among(connection: Connection, table: Table, times: Sequence[int]) -> ColumnElement[bool]:
    """Compare with all times in one parameter: SQLAlchemy writes out a list slowly."""
    column = table.c.received_at
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam("times", list(times), type_=ARRAY(BigInteger)))
    listed = func.json_each(json.dumps(list(times))).table_valued("value")
    return column.in_(select(listed.c.value))
