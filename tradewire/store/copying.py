"""Copies the store while programs write it, and restores a copy.

A copy is of one snapshot, which holds up neither writers nor readers.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import func, select, text

from tradewire.errors import StoreUnavailable
from tradewire.store import dumps, fitness, ledger
from tradewire.store.engine import reader_engine, sqlite_file, sqlite_files, translate_errors
from tradewire.store.kept import kept
from tradewire.store.schema import events

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tradewire.store.sqlite_files import SqliteFiles

FILES: Final = {"sqlite": "store.db", "postgresql": "store.pgdump"}
"""The name of a copy, by the kind of the store."""
_STEP_PAGES: Final = 4096
"""16 MiB. They are synced before the next ones are read, so that no other sync waits for much more than these."""
_FAST: Final = ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-4096")
"""Of a copy: it is synced by hand, and is worth nothing until it is complete."""


class Copied(NamedTuple):
    """What a copy of the store has."""

    schema: str
    """The newest migration that it has."""
    messages: int


def kind_of(url: str) -> str:
    """Return `sqlite` or `postgresql`."""
    return "sqlite" if sqlite_file(url) else "postgresql"


def copy(url: str, folder: Path) -> Copied:
    """Copy a store into a new file, which is on the disk when this returns.

    Args:
        url: The URL of the store.
        folder: Where to make the file.

    Raises:
        StoreUnavailable: The store can't be read, its files were replaced meanwhile, or the copy can't be written.
    """
    files = sqlite_files(url)
    if files and not files.path.exists():
        raise StoreUnavailable(f"there is no SQLite database at {files.path}")
    target = folder / FILES[kind_of(url)]
    source = reader_engine(url, files)
    file = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        # The transaction begins here, and its snapshot with the first query.
        with translate_errors(url), source.connect() as connection:
            copied = _facts(connection)
            if files:
                _copy_pages(connection, files, target, file)
            else:
                dumps.dump(url, connection, file)
        os.fsync(file)
    finally:
        source.dispose()
        os.close(file)
    return copied


def count(url: str) -> int:
    """Count the messages of a store, one by one. Raises StoreUnavailable."""
    source = reader_engine(url)
    try:
        with translate_errors(url), source.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(events)).scalar_one())
    finally:
        source.dispose()


def check_target(url: str, kind: str, schema: str) -> None:
    """Check that a copy can be restored. Nothing is changed.

    Args:
        url: The URL of the store that is to be.
        kind: The kind of the store that the copy is of.
        schema: The newest migration of the copy.

    Raises:
        StoreUnavailable: It can't be; the message says why.
    """
    if kind != kind_of(url):
        raise StoreUnavailable(f"the archive is of {kind}, and the store of the settings is of {kind_of(url)}")
    if schema > fitness.NEWEST:
        raise StoreUnavailable(
            f"a newer version of Tradewire made it: its schema is {schema}, this one knows {fitness.NEWEST}"
        )
    file = sqlite_file(url)
    if file is None:
        with translate_errors(url):
            dumps.check_empty(url)
    elif file.exists():
        raise StoreUnavailable(f"{file} exists already")


def restore(url: str, folder: Path) -> None:
    """Make a store of a copy. It is on the disk when this returns.

    Args:
        url: The URL of the store. `check_target` has accepted it.
        folder: The folder with the copy.

    Raises:
        StoreUnavailable: It can't be made.
        OSError: The copy can't be read, or a file can't be written.
    """
    source = folder / FILES[kind_of(url)]
    file = sqlite_file(url)
    if file is None:
        dumps.restore(url, source)
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with source.open("rb") as reader, file.open("xb") as writer:
        file.chmod(0o600)
        shutil.copyfileobj(reader, writer, 2**20)
        writer.flush()
        os.fsync(writer.fileno())


def _copy_pages(connection: Connection, files: SqliteFiles, target: Path, file: int) -> None:
    """Copy a database page by page. Each step reads from the snapshot of the connection's transaction."""
    with closing(sqlite3.connect(target)) as copy:
        for pragma in _FAST:
            copy.execute(f"PRAGMA {pragma}")

        def check(*_: int) -> None:
            os.fdatasync(file)
            _check_files(files)

        reader = connection.connection.driver_connection
        assert isinstance(reader, sqlite3.Connection)  # noqa: S101 - reader_engine has made it
        reader.backup(copy, pages=_STEP_PAGES, progress=check)


def _facts(connection: Connection) -> Copied:
    schema = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return Copied(schema, ledger.archived(connection) - kept(connection).deleted)


def _check_files(files: SqliteFiles) -> None:
    """Stop if a file was replaced: the archive's processor waits until all have closed the database."""
    if fault := files.fault():
        raise StoreUnavailable(fault)
