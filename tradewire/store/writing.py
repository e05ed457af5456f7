"""The store's one way in: events and receipts, each saved once however often it comes."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import alembic.command
import alembic.config
from alembic.util import CommandError
from sqlalchemy import func, insert, select

from tradewire.errors import StoreUnavailable
from tradewire.event import to_microseconds
from tradewire.store import ledger
from tradewire.store.bulk import Bulk, Lookup
from tradewire.store.engine import sqlite_file, translated, writing
from tradewire.store.ids import encode_id
from tradewire.store.rows import parse_timestamp, to_row
from tradewire.store.schema import duplicates, events, receipts
from tradewire.store.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from tradewire.event import TradeEvent
    from tradewire.receipt import Receipt
    from tradewire.store.ids import EncodedId
    from tradewire.store.rows import EventRow

_WRITERS_LOCK: Final = 0x7472_6164_6577_6972
"""PostgreSQL's advisory lock that whoever writes holds. SQLite lets in only one by itself."""


class Saved(NamedTuple):
    """What a save has added; what came again is not in it."""

    ages_seconds: list[float]
    """Of each message that is new: from receiving it to this."""
    duplicates: int


class StoreWriter:
    """The archive's writer, used by one thread; several on one database take turns.

    Every call raises StoreUnavailable where the database is away, locked, full, or newer than this code knows.
    Nothing was changed then.
    """

    def __init__(self, url: str, stack: str) -> None:
        self._url = url
        self._stack = stack
        self._file = sqlite_file(url)
        self._inode = 0
        self._engine = writing(url)
        self._dialect = self._engine.dialect.name
        self._events = Bulk(insert(events), self._engine)
        self._duplicates = Bulk(insert(duplicates), self._engine)
        self._receipts = Bulk(insert(receipts), self._engine)
        self._statistics = Statistics(self._engine)
        self._received = Lookup(events.c.id, [events.c.received_at], self._engine)
        self._known_duplicates = Lookup(duplicates.c.id, [duplicates.c.received_at], self._engine)
        self._told = Lookup(receipts.c.id, [receipts.c.tube, receipts.c.kind], self._engine)

    def migrate(self) -> None:
        """Bring the database to this code's schema, one process at a time. Data are never destroyed."""
        self.close()  # a file that was replaced is opened anew
        if self._file:
            with translated(self._url):
                self._file.touch(mode=0o600)
                self._inode = self._file.stat().st_ino
        config = alembic.config.Config()
        config.set_main_option("script_location", "tradewire.store:migrations")
        try:
            with self._transaction() as connection:
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
        except CommandError as error:
            raise StoreUnavailable(f"the store was made by a newer version of Tradewire ({error})") from error

    def save(self, events: Sequence[TradeEvent], done: Sequence[Receipt]) -> Saved:
        """Save events and receipts, and what is counted of them, in one transaction.

        What is there already is left as it is: the first of a kind stands. Raises InvalidEvent, with nothing
        saved, where one of them can't be kept.
        """
        archived_at = to_microseconds(datetime.now(UTC))
        coming = [to_row(event, archived_at, self._dialect) for event in events]
        with self._transaction() as connection:
            fresh, again = self._split(connection, coming)
            duplicates = self._new_duplicates(connection, again)
            outcomes, counted = self._new_receipts(connection, done)
            self._events.execute(connection, fresh)
            if fresh:
                self._statistics.add(connection, fresh)
            self._duplicates.execute(connection, duplicates)
            self._receipts.execute(connection, outcomes)
            ledger.add(connection, self._stack, {"archived": len(fresh), "duplicates": len(duplicates), **counted})
            if coming:
                ledger.set_archived_through(connection, self._stack, coming[-1].received_at)
        return Saved([(archived_at - row.received_at) / 1e6 for row in fresh], len(duplicates))

    def close(self) -> None:
        """Close the connection. Harmless when closed; the next call connects anew."""
        self._engine.dispose()

    def _split(self, connection: Connection, coming: Sequence[EventRow]) -> tuple[list[EventRow], list[EventRow]]:
        """Give the messages that are new, and those that came before under another moment: retries."""
        received = dict(self._received.execute(connection, [row.id for row in coming]))
        fresh: list[EventRow] = []
        again: list[EventRow] = []
        for row in coming:
            if row.id not in received:
                received[row.id] = row.received_at
                fresh.append(row)
            elif received[row.id] != row.received_at:
                again.append(row)
        return fresh, again

    def _new_duplicates(self, connection: Connection, again: Sequence[EventRow]) -> list[tuple[EncodedId, int]]:
        """Give the retries that have not been saved before, as rows."""
        known = set(self._known_duplicates.execute(connection, [row.id for row in again]))
        return [retry for retry in dict.fromkeys((row.id, row.received_at) for row in again) if retry not in known]

    def _new_receipts(
        self, connection: Connection, done: Sequence[Receipt]
    ) -> tuple[list[tuple[Any, ...]], Counter[str]]:
        """Give the first receipt of each kind for each message, as rows, and how many messages left a tube by them."""
        told = [(receipt, [encode_id(id_, self._dialect) for id_ in receipt.ids]) for receipt in done]
        seen = set(self._told.execute(connection, [id_ for _, ids in told for id_ in ids]))
        gone = {(id_, tube) for id_, tube, kind in seen if kind in ledger.FINAL_KINDS}
        rows: list[tuple[Any, ...]] = []
        left: Counter[str] = Counter()
        for receipt, ids in told:
            tube, kind = receipt.tube, receipt.receipt
            fixed = (tube, kind, parse_timestamp(receipt.at), receipt.browsers, receipt.reason)
            for id_ in ids:
                if (id_, tube, kind) not in seen:
                    seen.add((id_, tube, kind))
                    rows.append((id_, *fixed))
                if kind in ledger.FINAL_KINDS and (id_, tube) not in gone:
                    gone.add((id_, tube))
                    left[ledger.count_name(tube, kind)] += 1
        return rows, left

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Give a connection whose changes are kept together, or not at all; no one else writes meanwhile."""
        with translated(self._url):
            # What is written to a file that someone has deleted or moved would be gone with this process.
            if self._file and self._file.stat().st_ino != self._inode:
                raise StoreUnavailable(f"the store at {self._file} was replaced by another file")
            with self._engine.begin() as connection:
                if not self._file:
                    connection.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))
                yield connection
