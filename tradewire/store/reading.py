"""The store's one way out: pages of events, traces, statistics and counters."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from tradewire.store import engine, reading_messages, reading_stats
from tradewire.store.schema import counters, events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tradewire.event import TradeEvent
    from tradewire.store.views import Filter, Page, Position, Stats, Trace

_EXPORTED_AT_ONCE: Final = 5_000
"""Messages of one list that an export gives: some megabytes, and some tens of milliseconds."""


class StoreReader:
    """The archive's reader, used by several threads at once.

    Every call raises StoreUnavailable where the database is away, locked, or not set up yet.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._file = engine.sqlite_file(url)
        self._inode = 0
        self._engine = engine.reading(url)

    def check(self) -> None:
        """Find out whether the archive can be read."""
        with self._transaction() as connection:
            connection.execute(select(events.c.id).limit(1))

    def page(self, wanted: Filter, after: Position | None, limit: int) -> Page:
        """Give the newest messages that are wanted, up to `limit`; only those below the place `after`, if given.

        Following `next` from page to page gives each message once, whatever arrives meanwhile. A page may hold
        fewer messages than there are, even none: how many rows it reads is bounded, and `next` goes on from there.
        """
        with self._transaction() as connection:
            return reading_messages.page(connection, wanted, after, limit)

    def export(self, wanted: Filter, limit: int | None) -> Iterator[list[TradeEvent]]:
        """Give all messages that are wanted, newest first, or the newest `limit`; some thousands at a time.

        A list may be empty: how many rows are read for one is bounded. Nothing is held open between two lists, so
        that whoever takes them may take their time.
        """
        after: Position | None = None
        while limit is None or limit > 0:
            some = min(_EXPORTED_AT_ONCE, limit or _EXPORTED_AT_ONCE)
            found, after = self.page(wanted, after, some)
            yield found
            if after is None:
                break
            limit = None if limit is None else limit - len(found)

    def trace(self, message_id: str) -> Trace | None:
        """Give all that is known of one message; None where nothing is."""
        with self._transaction() as connection:
            return reading_messages.trace(connection, message_id)

    def stats(self, since: int, until: int, pair: tuple[str, str] | None, country: str | None) -> Stats:
        """Give the statistics of a stretch of time, of one pair (from, to) or one country only, if given.

        `since` and `until` are seconds since 1970, and rounded outward to whole steps: minutes, hours or days, the
        finest of which a series has at most 1,500.
        """
        with self._transaction() as connection:
            return reading_stats.stats(connection, since, until, pair, country)

    def counters(self, stack: str) -> dict[str, int]:
        """Give what a stack has brought here, by the names of `ledger`."""
        with self._transaction() as connection:
            rows = connection.execute(select(counters.c.name, counters.c.value).where(counters.c.stack == stack))
            return {row.name: row.value for row in rows}

    def close(self) -> None:
        """Close all connections. Harmless when closed; the next call connects anew."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Give a connection that sees the archive as it is at one moment."""
        with engine.translated(self._url):
            if self._file and (inode := self._file.stat().st_ino) != self._inode:
                self.close()  # another file is there now, and what is open has been deleted or moved
                self._inode = inode
            with self._engine.begin() as connection:
                yield connection
