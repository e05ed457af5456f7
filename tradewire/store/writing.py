"""The store's one way in: updates and receipts, each saved once however often it comes."""

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
from tradewire.store import ledger
from tradewire.store.bulk import Bulk, Lookup
from tradewire.store.engine import sqlite_file, translated, writing
from tradewire.store.ids import stored
from tradewire.store.rows import message, moment
from tradewire.store.schema import messages, receipts, repeats
from tradewire.store.statistics import Statistics
from tradewire.update import microseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from tradewire.receipt import Receipt
    from tradewire.store.ids import Stored
    from tradewire.store.rows import Message
    from tradewire.update import Update

_WRITERS_LOCK: Final = 0x7472_6164_6577_6972
"""PostgreSQL's advisory lock that whoever writes holds. SQLite lets in only one by itself."""


class Saved(NamedTuple):
    """What a save has added; what came again is not in it."""

    ages_seconds: list[float]
    """Of each message that is new: from receiving it to this."""
    repeated: int


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
        self._messages = Bulk(insert(messages), self._engine)
        self._repeats = Bulk(insert(repeats), self._engine)
        self._receipts = Bulk(insert(receipts), self._engine)
        self._statistics = Statistics(self._engine)
        self._received = Lookup(messages.c.id, [messages.c.received_at], self._engine)
        self._repeated = Lookup(repeats.c.id, [repeats.c.received_at], self._engine)
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

    def save(self, updates: Sequence[Update], done: Sequence[Receipt]) -> Saved:
        """Save updates and receipts, and what is counted of them, in one transaction.

        What is there already is left as it is: the first of a kind stands. Raises BadUpdate, with nothing
        saved, where one of them can't be kept.
        """
        archived_at = microseconds(datetime.now(UTC))
        coming = [message(update, archived_at, self._dialect) for update in updates]
        with self._transaction() as connection:
            fresh, again = self._split(connection, coming)
            repeated = self._unknown_repeats(connection, again)
            outcomes, counted = self._unknown_receipts(connection, done)
            self._messages.execute(connection, fresh)
            if fresh:
                self._statistics.add(connection, fresh)
            self._repeats.execute(connection, repeated)
            self._receipts.execute(connection, outcomes)
            ledger.add(connection, self._stack, {"archived": len(fresh), "repeated": len(repeated), **counted})
            if coming:
                ledger.reached(connection, self._stack, coming[-1].received_at)
        return Saved([(archived_at - row.received_at) / 1e6 for row in fresh], len(repeated))

    def close(self) -> None:
        """Close the connection. Harmless when closed; the next call connects anew."""
        self._engine.dispose()

    def _split(self, connection: Connection, coming: Sequence[Message]) -> tuple[list[Message], list[Message]]:
        """Give the messages that are new, and those that came before under another moment: retries."""
        received = dict(self._received.execute(connection, [row.id for row in coming]))
        fresh: list[Message] = []
        again: list[Message] = []
        for row in coming:
            if row.id not in received:
                received[row.id] = row.received_at
                fresh.append(row)
            elif received[row.id] != row.received_at:
                again.append(row)
        return fresh, again

    def _unknown_repeats(self, connection: Connection, again: Sequence[Message]) -> list[tuple[Stored, int]]:
        """Give the retries that have not been saved before, as rows."""
        known = set(self._repeated.execute(connection, [row.id for row in again]))
        return [retry for retry in dict.fromkeys((row.id, row.received_at) for row in again) if retry not in known]

    def _unknown_receipts(
        self, connection: Connection, done: Sequence[Receipt]
    ) -> tuple[list[tuple[Any, ...]], Counter[str]]:
        """Give the first receipt of each kind for each message, as rows, and how many messages left a tube by them."""
        told = [(receipt, [stored(id_, self._dialect) for id_ in receipt.ids]) for receipt in done]
        seen = set(self._told.execute(connection, [id_ for _, ids in told for id_ in ids]))
        gone = {(id_, tube) for id_, tube, kind in seen if kind in ledger.OUTCOMES}
        rows: list[tuple[Any, ...]] = []
        left: Counter[str] = Counter()
        for receipt, ids in told:
            tube, kind = receipt.tube, receipt.receipt
            fixed = (tube, kind, moment(receipt.at), receipt.browsers, receipt.reason)
            for id_ in ids:
                if (id_, tube, kind) not in seen:
                    seen.add((id_, tube, kind))
                    rows.append((id_, *fixed))
                if kind in ledger.OUTCOMES and (id_, tube) not in gone:
                    gone.add((id_, tube))
                    left[ledger.left(tube, kind)] += 1
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
