"""Connections to the database, SQLite or PostgreSQL as the URL says, and the translation of its errors."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import create_engine, event, exc, make_url

from tradewire.errors import InvalidEvent, StoreUnavailable
from tradewire.store import exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

LOCK_TIMEOUT_SECONDS: Final = 5
"""Time to wait for another writer, for a lock, or for a connection."""
STATEMENT_TIMEOUT_SECONDS: Final = 30
"""Time limit of a statement: longer than any healthy statement takes, and at most a job's TTR."""
READERS_MAX: Final = 8
"""Connections of one reader."""

_SQLITE_PRAGMAS: Final = (
    # Readers never wait for the writer, and the writer never waits for them.
    "journal_mode=WAL",
    # Jobs are deleted from the queue once their transaction is committed, so the commit must be on the disk. One sync
    # covers a whole batch.
    "synchronous=FULL",
    "cache_size=-65536",  # KiB (64 MiB), for the upper levels of the indexes and the newest rows
    # In pages: 64 MB between checkpoints. A page that many transactions change is written to the file once for each
    # checkpoint.
    "wal_autocheckpoint=16000",
    "temp_store=MEMORY",
)


def writer_engine(url: str) -> Engine:
    """Create the engine of a writer, with one connection. It creates a missing SQLite file.

    Args:
        url: `sqlite:////PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`.
    """
    engine = _engine(make_url(url), mode="rwc", pool_size=1)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_writer)
        # The write lock is taken at the beginning. A transaction that starts by reading could fail to get it later.
        event.listen(engine, "begin", lambda connection: _execute(connection, "BEGIN IMMEDIATE"))
    return engine


def reader_engine(url: str) -> Engine:
    """Create the engine of a reader, with up to READERS_MAX connections. It creates no file.

    Args:
        url: The same as for `writer_engine`.
    """
    # In mode "ro", SQLite can't open a WAL that no other process has open.
    engine = _engine(make_url(url), mode="rw", pool_size=READERS_MAX)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_reader)
        event.listen(engine, "begin", lambda connection: _execute(connection, "BEGIN"))
        return engine
    # As in SQLite, all queries of a transaction see the same snapshot.
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def sqlite_file(url: str) -> Path | None:
    """Return the path of a SQLite store's file. None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


@contextmanager
def translate_errors(url: str) -> Iterator[None]:
    """Translate the database's exceptions.

    Args:
        url: The database's URL. The error text names it without its password.

    Raises:
        InvalidEvent: The database rejected the data.
        StoreUnavailable: Any other error of the database or of the operating system.
    """
    try:
        yield
    except (exc.DataError, exc.IntegrityError) as error:
        raise InvalidEvent(f"the store rejected it: {_reason(error)}") from error
    except (exc.SQLAlchemyError, OSError) as error:
        address = make_url(url).render_as_string(hide_password=True)
        raise StoreUnavailable(f"the store at {address}: {_reason(error)}") from error


def _engine(url: URL, mode: str, pool_size: int) -> Engine:
    arguments: dict[str, Any]
    if url.get_backend_name() == "sqlite":
        assert url.database  # noqa: S101 - the settings accept no other
        url = url.set(
            drivername="sqlite+pysqlite", database=f"file:{quote(url.database)}", query={"mode": mode, "uri": "true"}
        )
        arguments = {"timeout": LOCK_TIMEOUT_SECONDS, "isolation_level": None, "check_same_thread": False}
    else:
        url = url.set(drivername="postgresql+psycopg")
        timeouts = f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s -c lock_timeout={LOCK_TIMEOUT_SECONDS}s"
        arguments = {
            "connect_timeout": LOCK_TIMEOUT_SECONDS,
            "application_name": "tradewire",
            "tcp_user_timeout": LOCK_TIMEOUT_SECONDS * 1000,
            "options": f"{timeouts} -c timezone=UTC",
        }
    return create_engine(
        url,
        connect_args=arguments,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=LOCK_TIMEOUT_SECONDS,
        pool_use_lifo=True,  # the connection used last has the most pages cached
        pool_pre_ping=True,  # detects a restarted database before a query fails
        paramstyle="qmark" if url.get_backend_name() == "sqlite" else "format",  # positional, since rows are tuples
        hide_parameters=True,  # error messages must not contain what people trade
    )


def _prepare_writer(connection: Any, _record: object) -> None:
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    exact.add_exact_sum(connection)


def _prepare_reader(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")
    # In KiB, for each connection. The kernel's page cache does most of the work. Mapping the file into memory would not
    # be faster, and an export would load the whole file.
    connection.execute("PRAGMA cache_size=-4096")


def _execute(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)


def _reason(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split()) or type(cause).__name__
