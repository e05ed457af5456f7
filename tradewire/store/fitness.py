"""Says why a store can't take new messages although it can be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from tradewire.store.schema import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

NEWEST: Final = max(path.name[:4] for path in (Path(__file__).parent / "migrations/versions").glob("[0-9]*.py"))
"""The newest migration that this code knows."""


def fault(connection: Connection, file: Path | None) -> str | None:
    """Return why nothing can be saved. None if no reason is known.

    Args:
        connection: A connection of a reader, in a transaction.
        file: The SQLite database. None for PostgreSQL.
    """
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    if version > NEWEST:
        return f"it was set up by a newer version of Tradewire (its schema is {version}, this one knows {NEWEST})"
    if version < NEWEST:
        return f"its schema is {version}; the archive processor has not brought it to {NEWEST} yet"
    return _sqlite_fault(file) if file else _postgresql_fault(connection)


def _sqlite_fault(file: Path) -> str | None:
    for path in (file, file.parent):
        if not os.access(path, os.W_OK):
            return f"{path} can't be written"
    return None


def _postgresql_fault(connection: Connection) -> str | None:
    tables = [table.name for table in metadata.sorted_tables]
    rows = connection.exec_driver_sql(
        "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on', ARRAY(SELECT name"
        " FROM unnest(%s::text[]) name WHERE NOT has_table_privilege(name, 'INSERT'))",
        (tables,),
    )
    is_standby, is_read_only, refused = rows.one()
    if is_standby:
        return "the server is a standby, which takes no writes"
    if is_read_only:
        return "the server is in read-only mode (default_transaction_read_only)"
    return f"its user may not write {', '.join(refused)}" if refused else None
