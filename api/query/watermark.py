"""The watermark: the time before which every accepted message is archived."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tradewire import counters
from tradewire.errors import Unavailable
from tradewire.event import to_microseconds
from tradewire.queue import ARCHIVE
from tradewire.store.ledger import ARCHIVED_THROUGH

if TYPE_CHECKING:
    from pathlib import Path

    from api.http.queue_pool import QueuePool
    from tradewire.store.reading import StoreReader

_START_MICROSECONDS: Final = 100_000
"""The time that ingest may take from reading the clock until other processes see the request as in flight."""
_PUT_MICROSECONDS: Final = 5_000_000
"""The time that a put may take. Messages may overtake each other on the way to the archive by that much."""


def archived_up_to(folder: Path, pool: QueuePool, store: StoreReader) -> int | None:
    """Return the watermark. Call this before reading the messages that the watermark is for.

    Args:
        folder: The folder of the counters.
        pool: Connections to the queue. If it is unavailable, the watermark is older, but still right.
        store: The archive.

    Returns:
        Microseconds since 1970, or None if it is unknown because nothing of this stack is archived yet.

    Raises:
        Unavailable: The archive or the stack's id can't be read.
    """
    now = to_microseconds(datetime.now(UTC)) - _START_MICROSECONDS
    try:
        # In this order: a message that is put in between is seen either as in flight or in the tube.
        in_flight_since = counters.read_totals(folder).in_flight_since
        with pool.lend() as queue:
            counts = queue.counts(ARCHIVE)
        if not counts.ready and not counts.reserved:
            return min(now, in_flight_since or now)
    except Unavailable:
        pass
    through = store.counters(counters.stack_id(folder)).get(ARCHIVED_THROUGH)
    return None if through is None else min(now, through - _PUT_MICROSECONDS)
