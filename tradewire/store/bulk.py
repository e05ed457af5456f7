"""Many rows at once, into one table or out of it, by statements that are compiled once.

ResponseSpec the statement itself, SQLAlchemy works it out again for each call, and looks up each column's value by name for
each row, which takes longer than SQLite takes to store it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, Table, Text, any_, bindparam, cast, func, select

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Column, Connection, Engine, Insert

    from tradewire.store.ids import EncodedId

_IDS_AT_ONCE: Final = 500
"""In one question to SQLite, which is always asked for as many, as it is then compiled once."""


class Bulk:
    """An INSERT of rows that are tuples in the order of the table's columns, as the database keeps them."""

    def __init__(self, statement: Insert, engine: Engine) -> None:
        table = statement.table
        assert isinstance(table, Table)  # noqa: S101 - nothing else is inserted into
        self._as_columns = engine.dialect.name == "postgresql"
        if self._as_columns:  # a statement for each row would take PostgreSQL longer than all the rest
            columns = [func.unnest(bindparam(column.key, type_=ARRAY(column.type))) for column in table.columns]
            statement = statement.from_select(table.columns.keys(), select(*columns))
        self._sql = str(statement.compile(engine, column_keys=table.columns.keys()))

    def execute(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert the rows, if there are any."""
        if not rows:
            return
        if self._as_columns:
            connection.exec_driver_sql(self._sql, tuple(map(list, zip(*rows, strict=True))))
        else:
            connection.exec_driver_sql(self._sql, list(rows))


class Lookup:
    """A SELECT of some columns of the rows that have one of many ids; ids and rows as the database keeps them."""

    def __init__(self, ids: Column[str], others: Sequence[Column[Any]], engine: Engine) -> None:
        self._at_once = 0 if engine.dialect.name == "postgresql" else _IDS_AT_ONCE
        if self._at_once:
            statement = select(ids, *others).where(ids.in_([bindparam(str(n)) for n in range(self._at_once)]))
        else:
            some = bindparam("ids", type_=ARRAY(ids.type))
            statement = select(cast(ids, Text), *others).where(ids == any_(some))
        self._sql = str(statement.compile(engine))

    def execute(self, connection: Connection, ids: Sequence[EncodedId]) -> Iterator[tuple[Any, ...]]:
        """Give the id and the other columns of each row that is there."""
        if not ids:
            return
        if not self._at_once:
            yield from map(tuple, connection.exec_driver_sql(self._sql, (list(ids),)))
            return
        for start in range(0, len(ids), self._at_once):
            some = tuple(ids[start : start + self._at_once])
            filled = some + some[-1:] * (self._at_once - len(some))
            yield from map(tuple, connection.exec_driver_sql(self._sql, filled))
