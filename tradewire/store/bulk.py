"""Many rows at once, into one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine, Insert


class Bulk:
    """An INSERT that is compiled once, for rows that are tuples in the order of the table's columns.

    Given the statement itself, SQLAlchemy looks up each column's value by name again for each row, which takes
    longer than SQLite takes to store it.
    """

    def __init__(self, statement: Insert, engine: Engine) -> None:
        assert isinstance(statement.table, Table)  # noqa: S101 - nothing else is inserted into
        compiled = statement.compile(engine, column_keys=statement.table.columns.keys())
        self._sql = str(compiled)

    def execute(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert the rows, if there are any."""
        if rows:
            connection.exec_driver_sql(self._sql, list(rows))
