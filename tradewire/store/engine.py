"""Connections to the database, SQLite or PostgreSQL as the URL says, and the translation of its errors."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from sqlalchemy import create_engine, event, exc, make_url

from tradewire.errors import InvalidEvent, StoreUnavailable
from tradewire.store import exact
from tradewire.store.postgresql import PatientConnection
from tradewire.store.sqlite_files import SqliteFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import URL, Engine

LOCK_TIMEOUT_SECONDS: Final = 5
"""Time to wait for another writer, for a lock, or for a connection."""
STATEMENT_TIMEOUT_SECONDS: Final = 30
"""Time limit of a statement: longer than any healthy statement takes, and at most a job's TTR."""
READERS_MAX: Final = 10
"""Connections of one reader: for eight queries at a time, and two health checks."""

WAL_ALARM_BYTES: Final = 256 * 2**20
"""A log of this size can't be emptied: a reader keeps a snapshot open."""
WAL_MAX_BYTES: Final = 64 * 2**20

_SQLITE_PRAGMAS: Final = (
    # Only a new file takes this: with it, space that is freed later can be given back without rewriting the whole file.
    "auto_vacuum=INCREMENTAL",
    # Readers never wait for the writer, and the writer never waits for them.
    "journal_mode=WAL",
    # The log can be reused only when no reader needs it. It grows meanwhile, and is cut to this length afterwards.
    f"journal_size_limit={WAL_MAX_BYTES}",
    # Jobs are deleted from the queue once their transaction is committed, so the commit must be on the disk. One sync
    # covers a whole batch.
    "synchronous=FULL",
    "cache_size=-65536",  # KiB (64 MiB), for the upper levels of the indexes and the newest rows
    # In pages: 64 MB between checkpoints. A page that many transactions change is written to the file once for each
    # checkpoint.
    "wal_autocheckpoint=16000",
    "temp_store=MEMORY",
)


def writer_engine(url: str, files: SqliteFiles | None = None) -> Engine:
    """Create the engine of a writer, with one connection. It creates a missing SQLite file.

    Args:
        url: `sqlite:////PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`.
        files: The SQLite database's files, for a caller that watches them.
    """
    if files := files or sqlite_files(url):
        # The write lock is taken at the beginning. A transaction that starts by reading could fail to get it later.
        return _sqlite(url, 1, "BEGIN IMMEDIATE", partial(_connect_sqlite, files, "rwc", _prepare_writer))
    return _postgresql(url, 1)


def reader_engine(url: str, files: SqliteFiles | None = None) -> Engine:
    """Create the engine of a reader, with up to READERS_MAX connections. It creates no database.

    Args:
        url: The same as for `writer_engine`.
        files: The same as for `writer_engine`.
    """
    if files := files or sqlite_files(url):
        # In mode "ro", SQLite can't open a WAL that no other process has open.
        return _sqlite(url, READERS_MAX, "BEGIN", partial(_connect_sqlite, files, "rw", _prepare_reader))
    # As in SQLite, all queries of a transaction see the same snapshot.
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return _postgresql(url, READERS_MAX).execution_options(**options)


def cleaner_engine(url: str, files: SqliteFiles | None = None) -> Engine:
    """Create the engine of a second writer, which only deletes, with one connection. It creates no database.

    Args:
        url: The same as for `writer_engine`.
        files: The same as for `writer_engine`.
    """
    if files := files or sqlite_files(url):
        return _sqlite(url, 1, "BEGIN IMMEDIATE", partial(_connect_sqlite, files, "rw", _prepare_cleaner))
    return _postgresql(url, 1)


def sqlite_files(url: str) -> SqliteFiles | None:
    """Return the files of a SQLite store. None for another database."""
    path = sqlite_file(url)
    return SqliteFiles(path) if path else None


def sqlite_file(url: str) -> Path | None:
    """Return the path of a SQLite store's file. None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def address(url: str) -> str:
    """Return where a database is, for logs and answers: without user, password and options."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    host = parsed.host or str(parsed.query.get("host", ""))
    return f"postgresql://{host}{f':{parsed.port}' if parsed.port else ''}/{parsed.database}"


@contextmanager
def translate_errors(url: str) -> Iterator[None]:
    """Translate the database's exceptions.

    Args:
        url: The database's URL. The error text names it as `address` does.

    Raises:
        InvalidEvent: The database rejected the data.
        StoreUnavailable: Any other error of the database or of the operating system.
    """
    try:
        yield
    except (exc.DataError, exc.IntegrityError) as error:
        raise InvalidEvent(f"the store rejected it: {_reason(error, url)}") from error
    except (exc.SQLAlchemyError, psycopg.Error, sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"the store at {address(url)}: {_reason(error, url)}") from error


def _sqlite(url: str, pool_size: int, begin: str, connect: Callable[[], sqlite3.Connection]) -> Engine:
    return _engine(make_url(url), pool_size, begin, creator=connect, paramstyle="qmark")


def _postgresql(url: str, pool_size: int) -> Engine:
    arguments = {
        "connect_timeout": LOCK_TIMEOUT_SECONDS,
        "application_name": "tradewire",
        "tcp_user_timeout": LOCK_TIMEOUT_SECONDS * 1000,
        "prepare_threshold": None,
    }
    # With PgBouncer's transaction pooling, the next transaction may run in another session. So limits are set in each
    # transaction, not for the session, and statements are not prepared.
    limits = (
        f"SELECT set_config('statement_timeout', '{STATEMENT_TIMEOUT_SECONDS}s', true),"
        f" set_config('lock_timeout', '{LOCK_TIMEOUT_SECONDS}s', true)"
    )
    engine = _engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size,
        limits,
        connect_args=arguments,
        paramstyle="format",
    )
    event.listen(
        engine, "do_connect", lambda _dialect, _record, args, options: PatientConnection.connect(*args, **options)
    )
    return engine


def _engine(url: URL, pool_size: int, begin: str, **options: Any) -> Engine:
    """Create an engine. It executes `begin` at the beginning of each transaction.

    Options have a positional `paramstyle`, since rows are tuples.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=LOCK_TIMEOUT_SECONDS,
        pool_use_lifo=True,  # the connection used last has the most pages cached
        pool_pre_ping=True,  # detects a restarted database before a query fails
        hide_parameters=True,  # error messages must not contain what people trade
        **options,
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _connect_sqlite(files: SqliteFiles, mode: str, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    connection = files.connect(mode, LOCK_TIMEOUT_SECONDS)
    try:
        prepare(connection)
        connection.execute("SELECT count(*) FROM sqlite_master")  # opens the log
    except BaseException:
        connection.close()
        raise
    files.remember()
    return connection


def _prepare_writer(connection: sqlite3.Connection) -> None:
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    exact.add_exact_sum(connection)


def _prepare_cleaner(connection: sqlite3.Connection) -> None:
    # A power cut may undo deletions: they are repeated. It undoes them in order, so the database stays whole.
    connection.execute("PRAGMA synchronous=NORMAL")
    # The cleaner moves the log into the database between its steps, when it keeps nobody out.
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("PRAGMA cache_size=-16384")  # KiB (16 MiB)


def _prepare_reader(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only=ON")
    # In KiB, for each connection. The kernel's page cache does most of the work. Mapping the file into memory would not
    # be faster, and an export would load the whole file.
    connection.execute("PRAGMA cache_size=-4096")


def _reason(error: Exception, url: str) -> str:
    """Return the text of an error, without the user and the password that servers and drivers repeat.

    Of what PostgreSQL says, only the first line: its details repeat whole rows, and so the ids of users.
    """
    cause = getattr(error, "orig", None) or error
    said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    text = " ".join((said or str(cause)).split()) or type(cause).__name__
    parsed = make_url(url)
    for secret in (parsed.password, parsed.query.get("password")):
        if secret:
            text = text.replace(str(secret), "…")
    for user in (parsed.username, parsed.query.get("user")):
        text = text.replace(f'"{user}"', '"…"')
    return text
