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
from tradewire.store import buckets, ledger
from tradewire.store.bulk import Bulk
from tradewire.store.engine import sqlite_file, translated, writing
from tradewire.store.rows import message, moment
from tradewire.store.schema import messages, receipts, repeats
from tradewire.update import microseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row, Table

    from tradewire.receipt import Receipt
    from tradewire.store.rows import Message
    from tradewire.update import Update

_WRITERS_LOCK: Final = 0x7472_6164_6577_6972
"""PostgreSQL's advisory lock that whoever writes holds. SQLite lets in only one by itself."""
_IDS_AT_ONCE: Final = 1000
"""In one question, to stay below what a statement may hold."""


class Saved(NamedTuple):
    """What a save has added; what came again is not in it."""

    archived: list[Message]
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
        self._messages = Bulk(insert(messages), self._engine)
        self._repeats = Bulk(insert(repeats), self._engine)
        self._receipts = Bulk(insert(receipts), self._engine)
        self._buckets = Bulk(buckets.upsert(self._engine.dialect.name), self._engine)

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
        coming = [message(update, archived_at) for update in updates]
        with self._transaction() as connection:
            fresh, again = _split(connection, coming)
            repeated = _unknown_repeats(connection, again)
            outcomes, counted = _unknown_receipts(connection, done)
            self._messages.execute(connection, [_texts(row) for row in fresh])
            self._buckets.execute(connection, buckets.rows(fresh))
            self._repeats.execute(connection, repeated)
            self._receipts.execute(connection, outcomes)
            ledger.add(connection, self._stack, {"archived": len(fresh), "repeated": len(repeated), **counted})
            if coming:
                ledger.reached(connection, self._stack, coming[-1].received_at)
        return Saved(fresh, len(repeated))

    def close(self) -> None:
        """Close the connection. Harmless when closed; the next call connects anew."""
        self._engine.dispose()

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


def _split(connection: Connection, coming: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Give the messages that are new, and those that came before under another moment: retries."""
    received = {row.id: row.received_at for row in _known(connection, messages, [row.id for row in coming])}
    fresh: list[Message] = []
    again: list[Message] = []
    for row in coming:
        if row.id not in received:
            received[row.id] = row.received_at
            fresh.append(row)
        elif received[row.id] != row.received_at:
            again.append(row)
    return fresh, again


def _unknown_repeats(connection: Connection, again: Sequence[Message]) -> list[tuple[str, int]]:
    """Give the retries that have not been saved before, as rows."""
    known = {tuple(row) for row in _known(connection, repeats, [row.id for row in again])}
    return sorted({(row.id, row.received_at) for row in again} - known)


def _unknown_receipts(connection: Connection, done: Sequence[Receipt]) -> tuple[list[tuple[Any, ...]], Counter[str]]:
    """Give the first receipt of each kind for each message, as rows, and how many messages left a tube by them."""
    known = [*_known(connection, receipts, [id_ for receipt in done for id_ in receipt.ids])]
    seen = {(row.id, row.tube, row.kind) for row in known}
    gone = {(row.id, row.tube) for row in known if row.kind in ledger.OUTCOMES}
    rows: list[tuple[Any, ...]] = []
    left: Counter[str] = Counter()
    for receipt in done:
        tube, kind = receipt.tube, receipt.receipt
        fixed = (tube, kind, moment(receipt.at), receipt.browsers, receipt.reason)
        for id_ in receipt.ids:
            if (id_, tube, kind) not in seen:
                seen.add((id_, tube, kind))
                rows.append((id_, *fixed))
            if kind in ledger.OUTCOMES and (id_, tube) not in gone:
                gone.add((id_, tube))
                left[ledger.left(tube, kind)] += 1
    return rows, left


def _known(connection: Connection, table: Table, ids: Sequence[str]) -> Iterator[Row[Any]]:
    """Give the rows that a table has for these ids."""
    columns = [table.c.id, table.c.received_at] if table is messages else table.c
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        yield from connection.execute(select(*columns).where(table.c.id.in_(some)))


def _texts(row: Message) -> tuple[Any, ...]:
    """Give the row with its amounts written out, digit by digit as they came."""
    sell, buy, rate = (format(amount, "f") for amount in (row.amount_sell, row.amount_buy, row.rate))
    return (*row[:6], sell, buy, rate, *row[9:])
