"""How a database is reached: SQLite or PostgreSQL, by URL, its errors translated into ours."""

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

LOCK_SECONDS: Final = 5
"""How long to wait for another writer, for an answer to a connection, or for a lock."""
STATEMENT_SECONDS: Final = 30
"""Longer than anything takes that is well, and at most as long as a processor may hold its jobs."""
READERS: Final = 8

_SQLITE_PRAGMAS: Final = (
    # Readers never wait for the writer, nor it for them.
    "journal_mode=WAL",
    # A job is deleted from the queue once its transaction is committed, so a commit must be on the disk. One sync
    # covers a whole batch.
    "synchronous=FULL",
    "cache_size=-65536",  # KiB; the indexes' upper levels and the newest rows
    # Pages: 64 MB between two checkpoints. The pages that all is added to are written once for each.
    "wal_autocheckpoint=16000",
    "temp_store=MEMORY",
)


def writing(url: str) -> Engine:
    """Make the engine for the one that writes; a SQLite file is created where there is none."""
    engine = _engine(make_url(url), mode="rwc", pool_size=1)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_writer)
        # Taken at once, or a transaction that begins by reading could not go on to write.
        event.listen(engine, "begin", lambda connection: _execute(connection, "BEGIN IMMEDIATE"))
    return engine


def reading(url: str) -> Engine:
    """Make the engine for those who read, up to READERS at a time; nothing is created."""
    engine = _engine(make_url(url), mode="rw", pool_size=READERS)  # "ro" could not open a WAL that nobody has open
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_reader)
        event.listen(engine, "begin", lambda connection: _execute(connection, "BEGIN"))
        return engine
    # As in SQLite, all that is asked in one transaction is answered as of one moment.
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def sqlite_file(url: str) -> Path | None:
    """Give the file that a SQLite store is kept in; None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Raise what the database raises as StoreUnavailable, or as InvalidEvent where the data are at fault."""
    try:
        yield
    except (exc.DataError, exc.IntegrityError) as error:
        raise InvalidEvent(f"the store refuses it: {_said(error)}") from error
    except (exc.SQLAlchemyError, OSError) as error:
        shown = make_url(url).render_as_string(hide_password=True)
        raise StoreUnavailable(f"the store at {shown}: {_said(error)}") from error


def _engine(url: URL, mode: str, pool_size: int) -> Engine:
    arguments: dict[str, Any]
    if url.get_backend_name() == "sqlite":
        assert url.database  # noqa: S101 - the settings take no other
        url = url.set(
            drivername="sqlite+pysqlite", database=f"file:{quote(url.database)}", query={"mode": mode, "uri": "true"}
        )
        arguments = {"timeout": LOCK_SECONDS, "isolation_level": None, "check_same_thread": False}
    else:
        url = url.set(drivername="postgresql+psycopg")
        arguments = {
            "connect_timeout": LOCK_SECONDS,
            "application_name": "tradewire",
            "tcp_user_timeout": LOCK_SECONDS * 1000,
            "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s -c timezone=UTC",
        }
    return create_engine(
        url,
        connect_args=arguments,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=LOCK_SECONDS,
        pool_use_lifo=True,  # the one used last knows the most pages
        pool_pre_ping=True,  # a database that was restarted is found out before a query is lost on it
        paramstyle="qmark" if url.get_backend_name() == "sqlite" else "format",  # by place: rows are tuples
        hide_parameters=True,  # what people trade does not belong into an error message
    )


def _prepare_writer(connection: Any, _record: object) -> None:
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    exact.add_exact_sum(connection)


def _prepare_reader(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")
    # For each of READERS; the kernel's cache does the most. A file mapped into memory would be no faster, and an
    # export would bring all of it in.
    connection.execute("PRAGMA cache_size=-4096")


def _execute(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)


def _said(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split()) or type(cause).__name__
