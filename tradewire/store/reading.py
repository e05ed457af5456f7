"""Reads the store: pages of events, exports, traces, statistics and counters."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from tradewire.errors import StoreUnavailable
from tradewire.store import engine, fitness, reading_ledger, reading_messages, reading_sorted, reading_stats
from tradewire.store.kept import Kept, kept
from tradewire.store.schema import counters, events
from tradewire.store.size import Size, size

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from tradewire.event import TradeEvent
    from tradewire.store.views import Filter, Page, Position, Sort, SortedPage, SortedPosition, Stats, Trace

_SILENCE_SECONDS: Final = 3
"""A check that has no answer for so long fails all other calls."""
_EXPORT_PAGE: Final = 5_000
"""Messages in one list of an export. They take a few megabytes, and some tens of milliseconds to read."""


class StoreReader:
    """Reads the archive. Threads may share one reader.

    Nothing is connected before the first call. Each call reads one snapshot of the archive; `export` reads one for each
    list.

    Example:
        >>> reader = StoreReader("sqlite:////var/lib/tradewire/store.db")
        >>> page = reader.page(Filter({"originating_country": "FR"}), None, 100)
        >>> older = reader.page(Filter({"originating_country": "FR"}), page.next, 100) if page.next else None
        >>> reader.close()

    Args:
        url: `sqlite:////PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        StoreUnavailable: From every call, if the database is down, locked, or not set up yet.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._files = engine.sqlite_files(url)
        self._engine = engine.reader_engine(url, self._files)
        self._asked_at: float | None = None
        """When the check began that waits for an answer, in seconds of the monotonic clock."""

    def check(self) -> None:
        """Raise StoreUnavailable unless the archive can be read and, as far as a reader can tell, written.

        While a check gets no answer, all other calls raise StoreUnavailable at once. Otherwise more and more threads
        would wait for a database that is frozen.
        """
        self._asked_at = time.monotonic()
        try:
            with self._connected() as connection:
                connection.execute(select(events.c.id).limit(1))
                fault = fitness.fault(connection, engine.sqlite_file(self._url))
            if fault:
                raise StoreUnavailable(f"the store at {engine.address(self._url)}: {fault}")
            if not self._files:
                with engine.translate_errors(self._url):
                    self._check_connecting()
        finally:
            self._asked_at = None

    def overgrown_log(self) -> Path | None:
        """Return SQLite's log if it has grown so much that a reader must be keeping it from being emptied."""
        return self._files.log if self._files and self._files.log_bytes() > engine.WAL_ALARM_BYTES else None

    def page(self, filters: Filter, after: Position | None, limit: int, *, oldest_first: bool = False) -> Page:
        """Return the newest messages that match, or the oldest.

        Following `next` from page to page gives each message once, even if others arrive meanwhile. The number of rows
        read for a page is bounded. So a page may have fewer than `limit` messages, or none, although `next` is set.

        Args:
            filters: The conditions.
            after: `next` of the page before. None for the first page.
            limit: The largest number of messages, at least 1.
            oldest_first: Begin with the oldest message.
        """
        with self._transaction() as connection:
            return reading_messages.page(connection, filters, after, limit, oldest_first=oldest_first)

    def sorted_page(self, filters: Filter, sort: Sort, after: SortedPosition | None, limit: int) -> SortedPage:
        """Return messages that match, in the order of a field.

        No index has such an order. So if too many messages would have to be read, only the newest are on the pages;
        then `basis` says so.

        Args:
            filters: The conditions.
            sort: The order.
            after: `next` of the page before. None for the first page.
            limit: The largest number of messages, at least 1.
        """
        with self._transaction() as connection:
            return reading_sorted.sorted_page(connection, filters, sort, after, limit)

    def export(self, filters: Filter, limit: int | None) -> Iterator[list[TradeEvent]]:
        """Yield all messages that match, newest first, in lists of a few thousand.

        A list may be empty, since the number of rows read for it is bounded. Between two lists no transaction is open,
        so the caller may take its time.

        Args:
            filters: The conditions.
            limit: The largest number of messages in total. None for no limit.
        """
        after: Position | None = None
        while limit is None or limit > 0:
            messages, after = self.page(filters, after, min(_EXPORT_PAGE, limit or _EXPORT_PAGE))
            yield messages
            if after is None:
                break
            limit = None if limit is None else limit - len(messages)

    def trace(self, message_id: str) -> Trace | None:
        """Return everything the archive knows about one message. None if it knows nothing.

        Args:
            message_id: The message's id, in lower case. Any other text has no trace.
        """
        with self._transaction() as connection:
            return reading_messages.trace(connection, message_id)

    def stats(self, filters: Filter) -> Stats:
        """Return the statistics of the messages that match.

        They are exact. If no bucket serves the filter and too many messages would have to be read, they count the
        newest messages only; then `basis` says so.

        The series has minutes, hours or days, the shortest of which the range has at most 1,500.

        Args:
            filters: The conditions. Without `since`, the range has no beginning; without `until`, it has no end.
        """
        with self._transaction() as connection:
            return reading_stats.stats(connection, filters)

    def counters(self, stack: str) -> dict[str, int]:
        """Return the counters of one stack, by the names in `ledger`.

        Args:
            stack: The id of the stack.
        """
        with self._transaction() as connection:
            rows = connection.execute(select(counters.c.name, counters.c.value).where(counters.c.stack == stack))
            return {row.name: row.value for row in rows}

    def kept(self) -> Kept:
        """Return what the archive keeps, and since when."""
        with self._transaction() as connection:
            return kept(connection)

    def oldest(self) -> int | None:
        """Return when the oldest message kept was received, in microseconds since 1970. None if there is no message."""
        with self._transaction() as connection:
            return connection.execute(select(func.min(events.c.received_at))).scalar()

    def size(self) -> Size:
        """Return the size of the store."""
        with self._transaction() as connection:
            return size(connection)

    def archived(self, received_at: Sequence[int]) -> Counter[int]:
        """Count the messages of requests that are archived. See `reading_ledger.archived`."""
        with self._transaction() as connection:
            return reading_ledger.archived(connection, received_at)

    def unsettled(self, received_at: Sequence[int], tube: str) -> Mapping[int, list[str]]:
        """Return the messages of requests that are not settled in a tube. See `reading_ledger.unsettled`."""
        with self._transaction() as connection:
            return reading_ledger.unsettled(connection, received_at, tube)

    def close(self) -> None:
        """Close all connections. May be called again; the next call of another method connects again.

        A connection that another thread is using is closed when that thread has finished.
        """
        self._engine.dispose()
        if self._files:
            self._files.forget()

    def _check_connecting(self) -> None:
        """Open a new connection: those that are open may work while the database's server takes no others."""
        pool = self._engine.pool.recreate()
        try:
            with closing(pool.connect()) as connection:
                connection.cursor().execute("SELECT 1")
        finally:
            pool.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Open a connection that sees one snapshot of the archive, unless a check waits for an answer."""
        asked_at = self._asked_at
        if asked_at is not None and time.monotonic() - asked_at > _SILENCE_SECONDS:
            raise StoreUnavailable(f"the store at {engine.address(self._url)}: no answer for {_SILENCE_SECONDS} s")
        with self._connected() as connection:
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Open a connection that sees one snapshot of the archive."""
        with engine.translate_errors(self._url):
            if self._files and (fault := self._files.fault()):
                if self._files.awaits_writer():
                    raise StoreUnavailable(fault)
                self.close()  # others wait until no process has the old files open
            pool = self._engine.pool
            with self._engine.connect() as connection:
                try:
                    with connection.begin():
                        yield connection
                finally:
                    if self._engine.pool is not pool:  # closed meanwhile
                        connection.invalidate()
