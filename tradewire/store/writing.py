"""Writes the store: saves events and receipts, each once no matter how often it is delivered."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from alembic.util import CommandError
from sqlalchemy import insert

from tradewire.errors import StoreUnavailable
from tradewire.event import to_microseconds
from tradewire.store import ledger, steps
from tradewire.store.arrivals import Arrivals
from tradewire.store.bulk import BulkInsert, Lookup
from tradewire.store.engine import LOCK_TIMEOUT_SECONDS, WAL_MAX_BYTES, sqlite_files, translate_errors, writer_engine
from tradewire.store.ids import encode_id
from tradewire.store.postgresql import lock_writers
from tradewire.store.rows import parse_timestamp, to_row
from tradewire.store.schema import duplicates, events, outdated, receipts
from tradewire.store.statistics import Statistics
from tradewire.store.summaries import Summarizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, PoolProxiedConnection

    from tradewire.event import TradeEvent
    from tradewire.receipt import Receipt


class Saved(NamedTuple):
    """What a save added to the archive. Events and receipts delivered before are not included."""

    ages_seconds: list[float]
    """For each new event, the time from receipt to this save."""
    duplicates: int
    """Number of new retries under an Idempotency-Key."""
    outdated: int
    """Number of messages that were refused, because retention has deleted those of their time."""


class StoreWriter:
    """Writes the archive. Only one thread may use a writer, but several writers may share a database.

    Example:
        >>> writer = StoreWriter("sqlite:////var/lib/tradewire/store.db", stack)
        >>> writer.migrate()
        >>> writer.save(events, receipts)
        Saved(ages_seconds=[0.012], duplicates=0, outdated=0)
        >>> writer.close()

    Args:
        url: `sqlite:////PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`.
        stack: The id of the stack whose events are saved. The ledger's counters are kept for each stack.

    Raises:
        StoreUnavailable: From every call, if the database is down, locked or full, or has a newer schema than this
            code. Nothing was changed.
    """

    def __init__(self, url: str, stack: str) -> None:
        self._url = url
        self._stack = stack
        self._files = sqlite_files(url)
        self._engine = writer_engine(url, self._files)
        self._dialect = self._engine.dialect.name
        self._events = BulkInsert(insert(events), self._engine)
        self._duplicates = BulkInsert(insert(duplicates), self._engine)
        self._outdated = BulkInsert(insert(outdated), self._engine)
        self._receipts = BulkInsert(insert(receipts), self._engine)
        self._statistics = Statistics(self._engine)
        self._summarizer = Summarizer()
        self._arrivals = Arrivals(self._engine)
        self._known_receipts = Lookup(receipts.c.id, [receipts.c.tube, receipts.c.kind], self._engine)

    def migrate(self, report: Callable[[str], None] = lambda _: None) -> None:
        """Bring the database to this code's schema. Call it before `save`. Writers that call it at once take turns.

        It creates a missing SQLite file and never destroys data.

        Args:
            report: Called with each step, before it is taken.
        """
        self.close()  # the file may have been replaced
        self._summarizer = Summarizer()
        if self._files:
            with translate_errors(self._url):
                self._files.path.touch(mode=0o600)
        try:
            with self._transaction() as connection:
                steps.take(connection, report)
        except CommandError as error:
            raise StoreUnavailable(f"the store was created by a newer version of Tradewire ({error})") from error

    def save(self, events: Sequence[TradeEvent], receipts: Sequence[Receipt]) -> Saved:
        """Save events and receipts and count them, in one transaction.

        What is already saved stays as it is: the first event with an id, and for each event and tube the first receipt
        of a kind. An event of a time whose events were deleted is refused, and a receipt of that is kept for a week.

        Args:
            events: Events in order of delivery. They may repeat events that are already saved.
            receipts: Receipts in order of delivery. Their events may be saved later, or never.

        Returns:
            What was new.

        Raises:
            InvalidEvent: An event or a receipt can't be stored. Nothing was saved.
        """
        archived_at = to_microseconds(datetime.now(UTC))
        rows = [to_row(event, archived_at, self._dialect) for event in events]
        with self._transaction() as connection:
            new, retries, refused = self._arrivals.sort(connection, rows)
            receipt_rows, final_counts = self._new_receipts(connection, receipts)
            self._events.execute(connection, new)
            if new:
                self._statistics.add(connection, new)
                self._summarizer.add(connection, new)
            self._duplicates.execute(connection, retries)
            self._outdated.execute(connection, [(row.id, row.received_at, archived_at, False) for row in refused])
            self._receipts.execute(connection, receipt_rows)
            counts = {
                ledger.ARCHIVED: len(new),
                ledger.OUTDATED: len(refused),
                ledger.DUPLICATES: len(retries),
                **final_counts,
            }
            ledger.add(connection, self._stack, counts)
            for receipt in receipts:
                ledger.set_passed(connection, self._stack, receipt.tube, receipt.slots)
        return Saved([(archived_at - row.received_at) / 1e6 for row in new], len(retries), len(refused))

    def summarize(self) -> bool:
        """Read some thousand events and summarize their busy users, if that many have been saved meanwhile.

        From summaries, the statistics of busy users are read faster. Nothing else depends on them.

        Returns:
            False if nothing was to do. Then no transaction was begun.
        """
        turn = self._summarizer.next_turn()
        if turn is None:
            return False
        with self._transaction() as connection:
            self._summarizer.take(connection, turn)
        return True

    def check(self) -> None:
        """Check that what was saved is still in files that have a name. Call this every second, also without events.

        If SQLite's log was removed, its content is moved into the database, the database is checked, and all its files
        are opened anew. If the database was moved, the one that now has its name is migrated and opened.
        """
        if self._files and self._files.is_moved():
            self.migrate()
        with translate_errors(self._url):
            self._check_files()
            self._shrink_log()

    def close(self) -> None:
        """Close the connection. May be called again; the next call of another method connects again."""
        self._engine.dispose()
        if self._files:
            self._files.forget()

    def _new_receipts(
        self, connection: Connection, receipts: Sequence[Receipt]
    ) -> tuple[list[tuple[Any, ...]], Counter[str]]:
        """Return rows for the first receipt of each kind, and the number of events that left each tube for good."""
        with_ids = [(receipt, [encode_id(id_, self._dialect) for id_ in receipt.ids]) for receipt in receipts]
        known = set(self._known_receipts.execute(connection, [id_ for _, ids in with_ids for id_ in ids]))
        finished = {(id_, tube) for id_, tube, kind in known if kind in ledger.FINAL_KINDS}
        rows: list[tuple[Any, ...]] = []
        final_counts: Counter[str] = Counter()
        for receipt, ids in with_ids:
            tube, kind = receipt.tube, receipt.receipt
            columns = (tube, kind, parse_timestamp(receipt.at), receipt.browsers, receipt.reason)
            for id_ in ids:
                if (id_, tube, kind) not in known:
                    known.add((id_, tube, kind))
                    rows.append((id_, *columns))
                if kind in ledger.FINAL_KINDS and (id_, tube) not in finished:
                    finished.add((id_, tube))
                    final_counts[ledger.count_name(tube, kind)] += 1
        return rows, final_counts

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Open a transaction that keeps other writers out."""
        with translate_errors(self._url):
            self._check_files()
            with self._engine.begin() as connection:
                if not self._files:
                    lock_writers(connection)
                yield connection
            if self._files:
                self._files.wrote()
            self._check_files()  # the jobs must not be deleted if the commit is in a file that was removed meanwhile

    def _check_files(self) -> None:
        """Raise StoreUnavailable if the SQLite database was moved or its log cut. If the log was moved, recover it."""
        if not self._files or not (fault := self._files.fault()):
            return
        if self._files.is_moved():
            raise StoreUnavailable(fault)
        if self._files.is_cut():
            self._files.remove_index()
            self.close()
            raise StoreUnavailable(f"{fault}: the newest messages in it are lost; opening the rest of it")
        self._files.remove_replacements()
        with self._impatient() as connection:
            is_busy = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()[0]
            if is_busy:
                raise StoreUnavailable(f"{fault}; a reader keeps its content from being moved into the database")
            try:
                connection.execute("PRAGMA journal_mode=DELETE")  # possible only if no other connection is left
            except sqlite3.OperationalError as error:
                raise StoreUnavailable(f"{fault}; waiting until every other program has closed the database") from error
            damage = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if damage != "ok":
            raise StoreUnavailable(f"{fault}; the database is damaged: {damage}")
        self.close()
        self._engine.raw_connection().close()  # makes the log anew

    def _shrink_log(self) -> None:
        """Empty SQLite's log if a reader has kept it from being emptied until now. Do not wait for readers."""
        if self._files and self._files.log_bytes() > 2 * WAL_MAX_BYTES:
            with self._impatient() as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._files.wrote()

    @contextmanager
    def _impatient(self) -> Iterator[PoolProxiedConnection]:
        """Yield a connection that does not wait for a lock."""
        with closing(self._engine.raw_connection()) as connection:
            connection.execute("PRAGMA busy_timeout=0")
            try:
                yield connection
            finally:
                connection.execute(f"PRAGMA busy_timeout={LOCK_TIMEOUT_SECONDS * 1000}")
