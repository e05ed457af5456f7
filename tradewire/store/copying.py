"""Copies the store while programs write it: one snapshot, which holds up neither writers nor readers."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import text

from tradewire.errors import StoreUnavailable
from tradewire.store import ledger
from tradewire.store.engine import reader_engine, sqlite_files, translate_errors
from tradewire.store.kept import kept

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tradewire.store.sqlite_files import SqliteFiles

_STEP_PAGES: Final = 4096
"""16 MiB. They are synced before the next ones are read, so that no other sync waits for much more than these."""
_FAST: Final = ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-4096")
"""Of a copy: it is synced by hand, and is worth nothing until it is complete."""


class Copied(NamedTuple):
    """What a copy of the store has."""

    schema: str
    """The newest migration that it has."""
    messages: int


def copy_sqlite(url: str, target: Path) -> Copied:
    """Copy a SQLite store into a new file, which is on the disk when this returns.

    Args:
        url: The URL of the store.
        target: The path of the copy. Its folder must exist.

    Raises:
        StoreUnavailable: The store can't be read, its files were replaced meanwhile, or the copy can't be written.
    """
    files = sqlite_files(url)
    if files is None or not files.path.exists():
        raise StoreUnavailable(f"there is no SQLite database at {files.path if files else url}")
    source = reader_engine(url, files)
    file = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        # The transaction begins here, and its snapshot with the first query. Each step reads from it.
        with translate_errors(url), source.connect() as connection, closing(sqlite3.connect(target)) as copy:
            copied = _facts(connection)
            for pragma in _FAST:
                copy.execute(f"PRAGMA {pragma}")

            def check(*_: int) -> None:
                os.fdatasync(file)
                _check_files(files)

            reader = connection.connection.driver_connection
            assert isinstance(reader, sqlite3.Connection)  # noqa: S101 - reader_engine has made it
            reader.backup(copy, pages=_STEP_PAGES, progress=check)
        os.fsync(file)
    finally:
        source.dispose()
        os.close(file)
    return copied


def _facts(connection: Connection) -> Copied:
    schema = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return Copied(schema, ledger.archived(connection) - kept(connection).deleted)


def _check_files(files: SqliteFiles) -> None:
    """Stop if a file was replaced: the archive's processor waits until all have closed the database."""
    if fault := files.fault():
        raise StoreUnavailable(fault)
