"""Deletes old messages and figures from the store, in small steps beside its writers and readers."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, contextmanager
from itertools import count
from math import ceil, inf
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import update

from tradewire.errors import StoreUnavailable
from tradewire.store import deleting, ledger
from tradewire.store.buckets import DAY
from tradewire.store.conditions import MIN_ID
from tradewire.store.engine import cleaner_engine, sqlite_files, translate_errors
from tradewire.store.kept import kept
from tradewire.store.pace import Pace
from tradewire.store.postgresql import lock_writers
from tradewire.store.schema import retention
from tradewire.store.size import size
from tradewire.store.statistics import newest_minute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

MIN_AGE_MICROSECONDS: Final = deleting.REDELIVERY_MICROSECONDS
"""No message younger than this is deleted, however large the store is: pages and the ledger still ask for it."""
_SECOND: Final = 1_000_000
_FILL: Final = 0.9
"""The share of the largest size from which on the oldest messages are deleted."""
_AIM: Final = 0.88
"""The share of the largest size that is left then: so it takes few rounds, and not one for every page."""
_FREE_SHARE: Final = 0.05
"""The share of a SQLite file that may be free for new rows. The disk gets the rest back."""
_FREE_BYTES: Final = 2**20
"""The same for a small file."""
_EVENT_STEPS: Final = 100
"""The most steps that delete messages in a row, for their age or for the size. What depends on them follows then."""
_STEPS_PER_CHECKPOINT: Final = 50

_Delete = Callable[["Connection", int], int]
"""Deletes up to a number of rows, and returns how many it has deleted."""


class Limits(NamedTuple):
    """What is to be deleted. Times are microseconds since 1970."""

    messages_before: int
    """Messages received before this are too old."""
    figures_before: int
    """Statistics of the time before this are too old."""
    bytes_max: int | None
    """The largest size of the store. None: it has no limit."""
    keep_since: int
    """No message received since this time may be deleted, not even for the size."""


class Round(NamedTuple):
    """What a round has done."""

    deleted: int
    """Number of messages."""
    is_cut_short: bool
    """Whether more is left to do."""


class StoreCleaner:
    """Deletes in steps. Each is a transaction with few rows, so that writers wait for some hundredths of a second.

    Whenever it ends, all that was deleted is accounted for, and the next cleaner goes on from there.

    Example:
        >>> cleaner = StoreCleaner("sqlite:////var/lib/tradewire/store.db", rest)
        >>> while cleaner.round(limits, now).is_cut_short:
        ...     pass
        >>> cleaner.close()

    Args:
        url: `sqlite:////PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`. The database must exist.
        rest: Called with the seconds to pause after each step. If it returns False, the round ends.
        observe: Called with the seconds that each step has kept other writers out.

    Raises:
        StoreUnavailable: From every call, if the database is down, locked, full, or not set up yet. The step under way
            has changed nothing.
    """

    def __init__(self, url: str, rest: Callable[[float], bool], observe: Callable[[float], object]) -> None:
        self._url = url
        self._rest = rest
        self._observe = observe
        self._files = sqlite_files(url)
        self._engine = cleaner_engine(url, self._files)
        self._paces: dict[str, Pace] = defaultdict(Pace)
        self._steps = 0

    def round(self, limits: Limits, now: int) -> Round:
        """Delete old messages, up to a number, then all that depends on deleted ones, and give space back to the disk.

        Only then tell from the size how many more messages must go, and delete no more than these. What depends on them
        follows in the next round, which measures again.

        Args:
            limits: What is to be deleted.
            now: The current time, in microseconds since 1970.
        """

        def older_than(time: int) -> _Delete:
            def delete(connection: Connection, rows: int) -> int:
                return deleting.delete_events(connection, max(time, kept(connection).since), rows, now)

            return delete

        due = min(limits.messages_before, limits.keep_since)
        deleted, is_done = self._repeat("events", older_than(due), steps_max=_EVENT_STEPS)
        for name, delete in self._others(limits, now):
            _, is_other_done = self._repeat(name, delete)
            is_done = is_done and is_other_done
        if is_done and limits.bytes_max is not None:
            with self._transaction() as connection:
                excess = _excess_messages(connection, limits.bytes_max)
            older = older_than(limits.keep_since)
            for_size, _ = self._repeat("events", older, steps_max=_EVENT_STEPS, rows_max=excess)
            deleted += for_size
            is_done = not for_size
        if is_done:
            with self._transaction() as connection:
                connection.execute(update(retention).values(checked_at=now))
        return Round(deleted, not is_done)

    def forget_late_receipts(self, before: int) -> None:
        """Delete receipts that came when their messages had been deleted. This looks at all receipts of that time.

        Args:
            before: Receipts of messages received before this are deleted, in microseconds since 1970.
        """
        after: str | None = MIN_ID

        def delete(connection: Connection, rows: int) -> int:
            nonlocal after
            assert after is not None  # noqa: S101 - the steps end with the first None
            after = deleting.delete_late_receipts(connection, after, min(before, kept(connection).since), rows)
            return 0 if after is None else rows

        self._repeat("late-receipts", delete)

    def close(self) -> None:
        """Close the connection. May be called again; the next call of another method connects again."""
        self._engine.dispose()
        if self._files:
            self._files.forget()

    def _others(self, limits: Limits, now: int) -> Iterator[tuple[str, _Delete]]:
        """Yield what follows from the deletion of messages, by name. Each deletes rows and returns their number."""
        with self._transaction() as connection:
            newest = newest_minute(connection)
            if newest is not None:
                _advance_figures(connection, limits, newest)
            done = kept(connection)
        yield "duplicates", lambda connection, rows: deleting.delete_duplicates(connection, done.since, rows)
        yield "summaries", lambda connection, rows: deleting.delete_summaries(connection, done.since, rows)
        if newest is not None:
            minutes = done.minutes_since(newest) // _SECOND
            yield "minutes", lambda connection, rows: deleting.delete_minutes(connection, minutes, rows)
            figures = done.figures_since // _SECOND
            yield "figures", lambda connection, rows: deleting.delete_figures(connection, figures, rows)
        forgotten = now - deleting.REMEMBERED_MICROSECONDS
        yield "outdated", lambda connection, rows: deleting.forget(connection, forgotten, rows)
        if self._files:
            yield "vacuum", _give_back

    def _repeat(self, name: str, delete: _Delete, *, steps_max: float = inf, rows_max: float = inf) -> tuple[int, bool]:
        """Repeat a step until it finds fewer rows than it may take. Return how many it took, and whether it is done."""
        pace, taken = self._paces[name], 0
        for number in count():
            if number >= steps_max or taken >= rows_max:
                break
            rows = int(min(pace.rows, rows_max - taken))
            with self._transaction() as connection:
                begun = time.monotonic()
                found = delete(connection, rows)
            seconds = time.monotonic() - begun
            taken += found
            rest = pace.rest(found, seconds)
            self._observe(seconds)
            self._checkpoint(is_last=found < rows)
            if found < rows:
                return taken, True
            if not self._rest(rest):
                break
        return taken, False

    def _checkpoint(self, *, is_last: bool) -> None:
        """Move SQLite's log into the database now and then: the archive's processor may be away. Wait for nobody.

        Only this way does the file shrink. The log is not cut: only its writer may do that (see `sqlite_files`).
        """
        self._steps += 1
        if self._files and (is_last or self._steps % _STEPS_PER_CHECKPOINT == 0):
            with translate_errors(self._url), closing(self._engine.raw_connection()) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Open a transaction that keeps other writers out."""
        with translate_errors(self._url):
            if self._files and (fault := self._files.fault()):
                self.close()  # the archive's processor repairs it, once all others have closed the database
                raise StoreUnavailable(fault)
            with self._engine.begin() as connection:
                if not self._files:
                    lock_writers(connection)
                yield connection


def _excess_messages(connection: Connection, bytes_max: int) -> int:
    """Return how many messages must go if each takes the same share of the store. 0 if the store is not too large."""
    used = size(connection).used_bytes
    if used <= _FILL * bytes_max:
        return 0
    messages = ledger.archived(connection) - kept(connection).deleted
    return ceil((used - _AIM * bytes_max) * max(1, messages) / used)


def _advance_figures(connection: Connection, limits: Limits, newest: int) -> None:
    """Note from which day on statistics are kept: at least as long as messages, and the newest day always."""
    seconds = min(limits.figures_before, kept(connection).since, newest * _SECOND) // _SECOND
    start = seconds // DAY * DAY
    connection.execute(update(retention).where(retention.c.figures_since < start).values(figures_since=start))


def _give_back(connection: Connection, pages: int) -> int:
    """Cut free pages from the file, unless there are few of them. Return how many were cut."""
    before = size(connection)
    excess = before.free_bytes - max(_FREE_BYTES, int(_FREE_SHARE * before.used_bytes))
    if excess <= 0:
        return 0
    wanted = min(pages, -(-excess // before.page_bytes))
    driver = connection.connection.driver_connection
    assert driver  # noqa: S101 - it is open
    # It has a row for each page, without columns, and cuts no page before its row is read. Only a script reads them.
    # A script first commits, so that the pragma is a transaction of its own. The caller's goes on behind it.
    driver.executescript(f"PRAGMA incremental_vacuum({wanted}); BEGIN IMMEDIATE")
    return (before.bytes - size(connection).bytes) // before.page_bytes
