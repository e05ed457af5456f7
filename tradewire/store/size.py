"""The size of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from tradewire.store.schema import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Size(NamedTuple):
    """The size of the database, without its log."""

    bytes: int
    free_bytes: int
    """How many of them are free for new rows. 0 for PostgreSQL, which does not tell."""
    page_bytes: int

    @property
    def used_bytes(self) -> int:
        """The bytes that rows and indexes take."""
        return self.bytes - self.free_bytes


def size(connection: Connection) -> Size:
    """Return the size of the store.

    Args:
        connection: A connection in a transaction.
    """
    if connection.dialect.name == "sqlite":
        pages, free, page_bytes = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
        return Size(pages * page_bytes, free * page_bytes, page_bytes)
    tables = [table.name for table in metadata.sorted_tables]
    relations = text("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(CAST(:tables AS text[])) name")
    return Size(int(connection.execute(relations, {"tables": tables}).scalar_one()), 0, 1)
