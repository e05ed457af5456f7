"""Show where the bytes of an archive go, a table and an index a line: `python -m tests.bench.archive_size URL`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import func, select, text

from tradewire.store.engine import reader_engine
from tradewire.store.schema import events, metadata
from tradewire.store.size import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_SQLITE: Final = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
_POSTGRESQL: Final = """
    SELECT relname, pg_relation_size(oid) FROM pg_class
    WHERE oid = ANY (CAST(:tables AS regclass[]))
        OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = ANY (CAST(:tables AS regclass[])))
"""


class Share(NamedTuple):
    """The share of a table or an index in the archive's size."""

    name: str
    bytes: int


def shares(connection: Connection) -> Sequence[Share]:
    """Return the size of each table and each index, the largest first.

    SQLite reads the whole file for this.

    Args:
        connection: A connection in a transaction.
    """
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text(_SQLITE))
    else:
        rows = connection.execute(text(_POSTGRESQL), {"tables": [table.name for table in metadata.sorted_tables]})
    return sorted((Share(*row) for row in rows), key=lambda share: -share.bytes)


def main() -> None:
    """Print bytes a message, as a table in Markdown. What takes less than a byte a message is left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="sqlite:////PATH or postgresql://USER:PASSWORD@HOST/DATABASE")
    engine = reader_engine(parser.parse_args().url)
    with engine.connect() as connection, connection.begin():
        messages = connection.execute(select(func.count()).select_from(events)).scalar_one()
        print(f"| table or index | bytes a message, {messages:,} messages |\n| --- | --- |")
        for name, bytes_ in shares(connection):
            if bytes_ >= messages:
                print(f"| {name} | {bytes_ / messages:.1f} |")
        print(f"| everything | {size(connection).used_bytes / messages:.1f} |")


if __name__ == "__main__":
    main()
