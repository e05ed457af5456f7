"""Dumps of a PostgreSQL store, made and restored by PostgreSQL's own programs."""

from __future__ import annotations

import secrets
import subprocess
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, create_engine, make_url, text

from tradewire.errors import StoreUnavailable
from tradewire.store.engine import address, reader_engine, translate_errors
from tradewire.store.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

_OURS: Final = ("--no-owner", "--no-privileges", "--no-password")
"""The tables belong to the user who restores the dump."""


def dump(url: str, connection: Connection, file: int) -> None:
    """Write a dump of the tables, as the connection's transaction sees them.

    Args:
        url: The URL of the store.
        connection: A connection in a transaction, which stays open meanwhile.
        file: Where to write it: a file descriptor.

    Raises:
        StoreUnavailable: It can't be made.
    """
    snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    tables = [f"--table={name}" for name in (*metadata.tables, "alembic_version")]
    # Without compression: it would take more time than all else.
    options = ["--format=custom", "--compress=0", f"--snapshot={snapshot}", *_OURS, *tables]
    _run("pg_dump", url, options, stdout=file)


def check_empty(url: str) -> None:
    """Check that a database has no table of a store.

    Raises:
        StoreUnavailable: It has one.
    """
    names = [*metadata.tables, "alembic_version"]
    source = reader_engine(url)
    try:
        with source.connect() as connection:
            query = text("SELECT name FROM unnest(CAST(:names AS text[])) name WHERE to_regclass(name) IS NOT NULL")
            found = connection.execute(query, {"names": names}).scalars().all()
    finally:
        source.dispose()
    if found:
        raise StoreUnavailable(f"{address(url)} is not empty: it has the table {found[0]}")


@contextmanager
def another_database(url: str) -> Iterator[str]:
    """Make an empty database on the server of another one. Delete it after the block.

    Args:
        url: The URL of the other one.

    Yields:
        The URL of the new one, for the same user.

    Raises:
        StoreUnavailable: It can't be made, or can't be deleted.
    """
    name = f"tradewire_drill_{secrets.token_hex(8)}"
    with _administered(url) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        with _administered(url) as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _administered(url: str) -> Iterator[Connection]:
    """Yield a connection on which each statement is a transaction of its own."""
    own = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    try:
        with translate_errors(url), own.connect() as connection:
            yield connection
    finally:
        own.dispose()


def restore(url: str, source: Path) -> None:
    """Make the tables of a dump in an empty database, in one transaction.

    Args:
        url: The URL of the store.
        source: The dump.

    Raises:
        StoreUnavailable: It can't be restored. Nothing was changed.
    """
    _run("pg_restore", url, ["--single-transaction", "--exit-on-error", *_OURS, str(source)], stdout=None)


def _run(program: str, url: str, options: list[str], stdout: int | None) -> None:
    """Run a program on a database. Its password is in a file, since all users see a program's arguments."""
    parsed = make_url(url)
    query: dict[str, Any] = dict(parsed.query)
    password = str(query.pop("password", parsed.password or ""))
    with NamedTemporaryFile("w", prefix="tradewire-", encoding="utf-8") as file:  # for this user alone
        if password:
            escaped = password.replace("\\", "\\\\").replace(":", "\\:")
            file.write(f"*:*:*:*:{escaped}\n")
            file.flush()
            query["passfile"] = file.name
        shown = URL.create("postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database, query)
        command = [program, f"--dbname={shown.render_as_string()}", *options]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
            )
        except FileNotFoundError as error:
            raise StoreUnavailable(f"{program} is not installed: it is one of PostgreSQL's client programs") from error
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"it ended with status {done.returncode}"
        raise StoreUnavailable(f"the store at {address(url)}: {reason}")
