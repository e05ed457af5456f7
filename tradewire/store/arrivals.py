"""Tells new messages from those that were delivered before, and from those that come too late to be kept."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tradewire.store.bulk import Lookup
from tradewire.store.kept import kept
from tradewire.store.schema import duplicates, events, outdated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from tradewire.store.ids import EncodedId
    from tradewire.store.rows import EventRow


class Sorted(NamedTuple):
    """Delivered messages that the store does not know yet."""

    new: list[EventRow]
    retries: list[tuple[EncodedId, int]]
    """Rows for the table of duplicates: retries under an Idempotency-Key."""
    refused: list[EventRow]
    """Messages of a time whose messages retention has deleted."""


class Arrivals:
    """Sorts delivered messages. The caller must hold the store's writer lock.

    Args:
        engine: The writer's engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._received_at = Lookup(events.c.id, [events.c.received_at], engine)
        self._known_duplicates = Lookup(duplicates.c.id, [duplicates.c.received_at], engine)
        self._outdated = Lookup(outdated.c.id, [outdated.c.received_at, outdated.c.was_archived], engine)

    def sort(self, connection: Connection, rows: Sequence[EventRow]) -> Sorted:
        """Sort messages.

        Args:
            connection: A connection in the transaction that saves the new ones.
            rows: Messages in order of delivery. They may repeat each other, or messages that are saved.
        """
        kept_since = kept(connection).since
        received_at = dict(self._received_at.execute(connection, [row.id for row in rows]))
        gone: dict[EncodedId, set[int]] = defaultdict(set)
        if kept_since:
            absent = [row.id for row in rows if row.id not in received_at]
            for id_, time, was_archived in self._outdated.execute(connection, absent):
                gone[id_].add(time)
                if was_archived:  # so another time means a retry
                    received_at[id_] = time
        new: list[EventRow] = []
        retries: list[tuple[EncodedId, int]] = []
        refused: list[EventRow] = []
        for row in rows:
            if row.received_at in gone.get(row.id, ()) or row.received_at == received_at.get(row.id):
                continue
            if row.id in received_at:
                retries.append((row.id, row.received_at))
            elif row.received_at < kept_since:
                gone[row.id].add(row.received_at)
                refused.append(row)
            else:
                received_at[row.id] = row.received_at
                new.append(row)
        return Sorted(new, self._unknown(connection, retries), refused)

    def _unknown(self, connection: Connection, retries: Sequence[tuple[EncodedId, int]]) -> list[tuple[EncodedId, int]]:
        """Return the retries that have not been saved before, each once."""
        known = set(self._known_duplicates.execute(connection, [id_ for id_, _ in retries]))
        return [retry for retry in dict.fromkeys(retries) if retry not in known]
