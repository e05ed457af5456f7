"""Statements on many rows at once, compiled to SQL only once.

SQLAlchemy would otherwise compile the statement for each call, and look up each column's value by name for each row.
That takes longer than SQLite needs to store the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, Table, Text, any_, bindparam, cast, func, select

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Column, Connection, Engine, Insert

    from tradewire.store.ids import EncodedId

_SQLITE_IDS: Final = 500
"""Ids in one query to SQLite. The number is fixed, since the query is compiled once."""


class BulkInsert:
    """An INSERT of many rows.

    Rows are tuples in the order of the table's columns. Their values bypass SQLAlchemy's types.

    Args:
        statement: An INSERT without values, perhaps with an ON CONFLICT clause.
        engine: The engine of the connections that will execute it.
    """

    def __init__(self, statement: Insert, engine: Engine) -> None:
        table = statement.table
        assert isinstance(table, Table)  # noqa: S101 - rows are only ever inserted into tables
        self._as_columns = engine.dialect.name == "postgresql"
        if self._as_columns:  # in PostgreSQL, a statement for each row would take longer than everything else
            columns = [func.unnest(bindparam(column.key, type_=ARRAY(column.type))) for column in table.columns]
            statement = statement.from_select(table.columns.keys(), select(*columns))
        self._sql = str(statement.compile(engine, column_keys=table.columns.keys()))

    def execute(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert the rows. Does nothing if there are none."""
        if not rows:
            return
        if self._as_columns:
            connection.exec_driver_sql(self._sql, tuple(map(list, zip(*rows, strict=True))))
        else:
            connection.exec_driver_sql(self._sql, list(rows))


class Lookup:
    """A SELECT of the rows that have one of many ids. Ids and rows bypass SQLAlchemy's types.

    Args:
        id_column: The column of the ids.
        columns: Further columns to return.
        engine: The engine of the connections that will execute it.
    """

    def __init__(self, id_column: Column[str], columns: Sequence[Column[Any]], engine: Engine) -> None:
        self._ids_max = 0 if engine.dialect.name == "postgresql" else _SQLITE_IDS
        """Ids in one query; 0 for all at once."""
        if self._ids_max:
            condition = id_column.in_([bindparam(str(number)) for number in range(self._ids_max)])
            statement = select(id_column, *columns).where(condition)
        else:
            parameter = bindparam("ids", type_=ARRAY(id_column.type))
            statement = select(cast(id_column, Text), *columns).where(id_column == any_(parameter))
        self._sql = str(statement.compile(engine))

    def execute(self, connection: Connection, ids: Sequence[EncodedId]) -> Iterator[tuple[Any, ...]]:
        """Yield the id and the further columns of each row that exists."""
        if not ids:
            return
        if not self._ids_max:
            yield from map(tuple, connection.exec_driver_sql(self._sql, (list(ids),)))
            return
        for start in range(0, len(ids), self._ids_max):
            batch = tuple(ids[start : start + self._ids_max])
            padded = batch + batch[-1:] * (self._ids_max - len(batch))
            yield from map(tuple, connection.exec_driver_sql(self._sql, padded))
